"""The two backends of the flagship as processes: their environments, their databases, their life and death."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack import node
from stack.paths import DJANGO_BACKEND, NODE_BACKEND, ROOT
from stack.probes import http_answers
from stack.processes import Process, Program, Supervisor
from stack.say import say
from stack.seed import is_empty, seed

NODE, DJANGO = "node", "django"
# Django's WebSockets are a service of their own.
CHANNELS = "channels"
# What the plan asks of daphne, which reads no configuration file.
DAPHNE_FLAGS = (
    "--verbosity", "1", "--access-log", "-", "--websocket_timeout", "86400", "--websocket_connect_timeout", "5",
    "--ping-interval", "20", "--ping-timeout", "30",
)  # fmt: skip
# Of our own environment a backend sees only what it takes to run programs, so that it starts alike everywhere.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
MIGRATED_WITHIN = 120


class BackendError(RuntimeError):
    """A backend could not be prepared; the message holds what it said."""


@dataclass(frozen=True)
class BackendSettings:
    """What the backends are told."""

    node_port: int
    django_port: int
    node_database: str
    django_database: str
    redis_url: str
    jwt_secret: str
    secret_key: str
    faults_file: Path
    django_ws_port: int = 0  # without one nobody serves Django's WebSockets
    copy_secret: str = ""  # proves to Django that a copy is one; without it every copy counts as an original
    django_workers: int = 2
    django_threads: int = 4
    extra: Mapping[str, str] | None = None

    @property
    def node_url(self) -> str:
        """Where Node listens."""
        return f"http://127.0.0.1:{self.node_port}"

    @property
    def django_url(self) -> str:
        """Where Django listens."""
        return f"http://127.0.0.1:{self.django_port}"

    @property
    def channels_url(self) -> str:
        """Where Django's WebSockets are served."""
        return f"http://127.0.0.1:{self.django_ws_port}"

    @property
    def uploads(self) -> Path:
        """The directory of uploaded files, which both backends share."""
        return self.faults_file.parent / "uploads"

    def node_environment(self) -> dict[str, str]:
        """Node's environment; its clock runs in UTC, as in production."""
        return {
            **_inherited(), "NODE_ENV": "production", "PORT": str(self.node_port), "HOST": "127.0.0.1",
            "DATABASE_URL": self.node_database, "JWT_SECRET": self.jwt_secret, "TZ": "UTC",
            "UPLOAD_DIR": str(self.uploads), "ENABLE_CADET_AUTO_SYNC": "false", **(self.extra or {}),
        }  # fmt: skip

    def django_environment(self) -> dict[str, str]:
        """Django's environment; its own folder comes first on the path, then ours for stack.faults."""
        return {
            **_inherited(), "DJANGO_SETTINGS_MODULE": "config.settings.production", "PORT": str(self.django_port),
            "DATABASE_URL": self.django_database, "REDIS_URL": self.redis_url, "JWT_SECRET": self.jwt_secret,
            "SECRET_KEY": self.secret_key, "ALLOWED_HOSTS": "127.0.0.1,localhost", "DEBUG": "false",
            "CORS_ALLOWED_ORIGINS": "http://localhost:5173,http://127.0.0.1:8080", "LOG_LEVEL": "warning",
            "GUNICORN_WORKERS": str(self.django_workers),
            "CUTOVER_SECRET": self.copy_secret, "CUTOVER_FAULTS_FILE": str(self.faults_file),
            "PYTHONPATH": os.pathsep.join([str(DJANGO_BACKEND), str(ROOT)]), "PYTHONUNBUFFERED": "1", "TZ": "UTC",
            "UPLOAD_DIR": str(self.uploads),
            **(self.extra or {}),
        }  # fmt: skip


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def _run(name: str, argv: list[str], cwd: Path, env: Mapping[str, str]) -> None:
    done = subprocess.run(
        argv, cwd=cwd, env=dict(env), capture_output=True, text=True, timeout=MIGRATED_WITHIN, check=False
    )
    if done.returncode != 0:
        raise BackendError(f"{name}: {' '.join(argv[1:])} failed:\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")


def channels_program(settings: BackendSettings, name: str = CHANNELS) -> Program:
    """Daphne with Django's WebSockets; any number may run, each with a name and a port of its own."""
    argv = [
        sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(settings.django_ws_port), *DAPHNE_FLAGS,
        "config.asgi:application",
    ]  # fmt: skip
    return Program(
        name, argv, DJANGO_BACKEND, settings.django_environment(),
        ready=http_answers(f"{settings.channels_url}/api/health"), stop_within=12,
    )  # fmt: skip


class Backends:
    """Both backends under one supervisor; each can be killed and started again by name."""

    def __init__(self, supervisor: Supervisor, settings: BackendSettings) -> None:
        self.supervisor, self.settings = supervisor, settings

    def prepare(self) -> None:
        """Install Node's packages and bring both databases' schemas up to date."""
        node.install()
        program = node.find_node().program
        _run(NODE, [program, "db/migrate.js"], NODE_BACKEND, self.settings.node_environment())
        argv = [sys.executable, "manage.py", "migrate", "--noinput", "--verbosity", "0"]
        _run(DJANGO, argv, DJANGO_BACKEND, self.settings.django_environment())

    def seed(
        self, *, node_side: bool = True, django_side: bool = True, scale: int = 1, warts: bool = False
    ) -> dict[str, int]:
        """Seed the sides asked for where they are empty; the rows written per table."""
        blue, green = self.settings.node_database, self.settings.django_database
        wanted = (blue if node_side and is_empty(blue) else None, green if django_side and is_empty(green) else None)
        if not any(wanted):
            return {}
        counts = seed(*wanted, scale, warts=warts)
        say("seed", f"{sum(counts.values()):,} rows in {len(counts)} tables", "+")
        return counts

    def start(self, name: str) -> Process:
        """Start (or restart) one backend and wait until it is healthy."""
        if name == CHANNELS:
            return self.supervisor.start(channels_program(self.settings))
        return self.supervisor.start(self._node() if name == NODE else self._django())

    def start_all(self) -> None:
        """Start both, and what serves Django's WebSockets."""
        for name in (NODE, DJANGO, *([CHANNELS] if self.settings.django_ws_port else [])):
            self.start(name)

    def stop(self, name: str) -> None:
        """Stop one politely."""
        self.supervisor.stop(name)

    def kill(self, name: str) -> None:
        """SIGKILL to everything of one backend, as if its machine had lost power."""
        self.supervisor.kill(name)

    def _node(self) -> Program:
        return Program(
            NODE, [node.find_node().program, "src/server.js"], NODE_BACKEND, self.settings.node_environment(),
            ready=http_answers(f"{self.settings.node_url}/health"), stop_within=12,
        )  # fmt: skip

    def _django(self) -> Program:
        argv = [
            sys.executable, "-m", "gunicorn", "stack.faults:application", "--config", "gunicorn.conf.py",
            "--bind", f"127.0.0.1:{self.settings.django_port}", "--workers", str(self.settings.django_workers),
            "--worker-class", "gthread", "--threads", str(self.settings.django_threads), "--graceful-timeout", "8",
        ]  # fmt: skip
        return Program(
            DJANGO, argv, DJANGO_BACKEND, self.settings.django_environment(),
            ready=http_answers(f"{self.settings.django_url}/api/health"), stop_within=12,
        )  # fmt: skip
