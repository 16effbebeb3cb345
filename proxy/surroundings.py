"""What every process of one deployment shares: where the stores are, the secrets, the directory on local disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.config import Config
from proxy.errors import ConfigError, CutoverError
from proxy.secret import kept_secret

if TYPE_CHECKING:  # most processes have no use for the keys, nor for the library that they are used with
    from shadow.dualwrite.sealing import Keyring

DATABASE, REDIS, SECRET = "CUTOVER_DATABASE_URL", "CUTOVER_REDIS_URL", "CUTOVER_SECRET"
JOURNAL_KEYS = "CUTOVER_JOURNAL_KEYS"
_WRITER, _INSIDE, _BESIDE = "CUTOVER_JOURNAL_WRITER", "inside", "beside"
METRICS = "PROMETHEUS_MULTIPROC_DIR"
_SOCKET_NAME = 100


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The shared facts. `pseudonym` is this deployment's name in Via."""

    directory: Path
    database: str
    redis: str
    secret: str
    port: int
    control_port: int
    journal_keys: str = ""
    writer_inside: bool = False
    """Whether the journal writer runs inside the machine's only edge, and not beside several of them."""

    @property
    def pseudonym(self) -> bytes:
        """Tells this deployment from another edge on the way; it says nothing of the secret."""
        return b"cutover-" + blake2b(self.secret.encode(), digest_size=4, person=b"cutover.via").hexdigest().encode()

    def socket(self, number: int) -> Path:
        """Where shadow worker `number` listens. Its name must fit the kernel's 107 bytes."""
        return self._socket(f"shadow-{number}.sock")

    def journal_socket(self) -> Path:
        """Where the journal writer of this machine listens."""
        return self._socket("journal.sock")

    def keyring(self) -> Keyring:
        """The journal's keys; one is made and kept where none is given. Raises CutoverError."""
        from proxy.keyring import keyring

        return keyring(self.journal_keys, self.directory / "journal-key")

    def environment(self) -> dict[str, str]:
        """What a child process needs to find the same surroundings; secrets travel here, never as arguments."""
        return {
            DATABASE: self.database,
            REDIS: self.redis,
            SECRET: self.secret,
            METRICS: str(self.directory / "metrics"),
            "PORT": str(self.port),
            "CUTOVER_CONTROL_PORT": str(self.control_port),
            JOURNAL_KEYS: self.journal_keys,
            _WRITER: _INSIDE if self.writer_inside else _BESIDE,
        }

    def _socket(self, name: str) -> Path:
        wanted = self.directory / name
        return wanted if len(os.fsencode(wanted)) <= _SOCKET_NAME else _short_directory(self.directory) / name


def _short_directory(directory: Path) -> Path:
    """A directory with a short name that belongs to `directory`, ours alone."""
    name = blake2b(os.fsencode(directory), digest_size=6, person=b"cutover.sock").hexdigest()
    short = Path(tempfile.gettempdir()) / f"cutover-{os.getuid()}-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.stat().st_uid != os.getuid() or short.is_symlink():
        raise CutoverError(f"{short} belongs to somebody else: choose a shorter store.directory")
    return short


def directory_of(config: Config) -> Path:
    """The deployment's directory, made if it is missing."""
    directory = Path(config.store.directory).absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o755)
    except OSError as error:
        raise ConfigError([f"store.directory: {directory} cannot be made: {error}"]) from error
    return directory


def surroundings(config: Config, environment: Mapping[str, str]) -> Surroundings:
    """What the configuration and the environment say. A store that nobody names has an empty URL."""
    directory = directory_of(config)
    return Surroundings(
        directory=directory,
        database=environment.get(DATABASE) or config.store.database or "",
        redis=environment.get(REDIS) or config.store.redis or "",
        secret=environment.get(SECRET) or config.secret or kept_secret(directory / "secret", SECRET),
        port=_port(environment, "PORT", config.listen.port),
        control_port=_port(environment, "CUTOVER_CONTROL_PORT", config.listen.control_port),
        journal_keys=environment.get(JOURNAL_KEYS) or "",
        # A process that is started again goes by what was decided for all, not by a file that has changed since.
        writer_inside=environment.get(_WRITER, _INSIDE if config.listen.edges == 1 else _BESIDE) == _INSIDE,
    )


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    written = environment.get(name)
    if not written:
        return default
    if not (written.isascii() and written.isdigit()) or int(written) > 65535:
        raise ConfigError([f"{name}: expected a port from 0 to 65535, got {written!r}"])
    return int(written)
