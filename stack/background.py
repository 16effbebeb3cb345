"""Django's worker and its schedule as processes: what is done behind the answers."""

from __future__ import annotations

import sys
from pathlib import Path

import redis

from stack.backends import BackendSettings
from stack.paths import DJANGO_BACKEND
from stack.probes import Probe
from stack.processes import Program, Supervisor

WORKER, BEAT = "worker", "beat"
# Renewed in Redis by every worker that lives; the backend's health looks for it, too.
ALIVE_KEY = "celery:alive"
PATIENCE = 2.0


def start_background(supervisor: Supervisor, settings: BackendSettings, home: Path, control: str = "") -> None:
    """Start both. They work while Django is active, as the database at `control` has it; without one always."""
    environment = {**settings.django_environment(), "LOG_LEVEL": "info", "CUTOVER_DATABASE_URL": control}
    with redis.Redis.from_url(settings.redis_url) as server:
        # One that an earlier worker left would be taken for this one's.
        server.delete(ALIVE_KEY)
    words = ["worker", "--loglevel=info", "--concurrency=2"]
    supervisor.start(
        Program(
            WORKER, _celery(*words), DJANGO_BACKEND, environment, ready=_worker_lives(settings.redis_url),
            stop_within=20,
        )
    )  # fmt: skip
    schedule = _forgotten(home / BEAT)
    words = ["beat", "--loglevel=info", "--schedule", str(schedule)]
    supervisor.start(
        Program(BEAT, _celery(*words), DJANGO_BACKEND, environment, ready=lambda: any(schedule.parent.iterdir()))
    )


def _celery(*words: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "config", *words]


def _worker_lives(url: str) -> Probe:
    def probe() -> bool:
        with redis.Redis.from_url(url, socket_timeout=PATIENCE) as server:
            return bool(server.exists(ALIVE_KEY))

    return probe


def _forgotten(directory: Path) -> Path:
    """Where beat notes when it last gave each job; without what it noted before."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.iterdir():
        old.unlink()
    return directory / "schedule"
