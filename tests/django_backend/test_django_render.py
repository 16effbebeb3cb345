"""render.yaml: the four services of the plan, and each of their commands run here as Render runs it."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
import websockets
import yaml

from proxy.embedded import free_port
from tests.support.waiting import eventually, group_of

ROOT = Path(__file__).parents[2]
SERVICES: dict[str, dict[str, Any]] = {
    service["name"]: service for service in yaml.safe_load((ROOT / "render.yaml").read_text())["services"]
}
WEB, SOCKETS, WORKER, BEAT = "rotc-django-web", "rotc-django-channels", "rotc-celery-worker", "rotc-celery-beat"
EVERYWHERE = {"DJANGO_SETTINGS_MODULE", "PYTHON_VERSION", "DEBUG", "SECRET_KEY", "DATABASE_URL", "REDIS_URL"}
SERVES = {"JWT_SECRET", "RENDER_EXTERNAL_HOSTNAME", "ALLOWED_HOSTS"}
QUEUES = {"CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"}
CLOUD = {"CLOUDINARY_CLOUD_NAME", "CLOUDINARY_API_KEY", "CLOUDINARY_API_SECRET"}
WATCHED = {"SENTRY_DSN", "ENVIRONMENT", "RELEASE_VERSION"}
VARIABLES = {
    WEB: EVERYWHERE | SERVES | QUEUES | CLOUD | WATCHED | {"CORS_ALLOWED_ORIGINS"},
    SOCKETS: EVERYWHERE | SERVES,
    WORKER: EVERYWHERE | QUEUES | CLOUD,
    BEAT: EVERYWHERE | QUEUES,
}
COMMANDS = {
    WEB: "gunicorn config.wsgi:application --config gunicorn.conf.py",
    SOCKETS: "daphne -b 0.0.0.0 -p $PORT --verbosity 1 --access-log - config.asgi:application",
    WORKER: "celery -A config worker --loglevel=info --concurrency=2",
    BEAT: "celery -A config beat --loglevel=info",
}
INSTALL = "pip install --upgrade pip && pip install --no-deps -r requirements.txt"
HOST = "rotc.example"


@dataclass(frozen=True)
class Site:
    """A copy of the backend's directory, alone as Render has it, and what its owner typed in."""

    directory: Path
    typed: dict[str, str]

    def environment(self, name: str) -> dict[str, str]:
        """What a service finds: its own variables and no others, beside what the machine has."""
        mine = {entry["key"]: entry for entry in SERVICES[name]["envVars"]}
        given = {key: entry.get("value", self.typed.get(key, "")) for key, entry in mine.items()}
        return {**given, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(self.directory)}

    def run(self, name: str, command: str, **more: str) -> str:
        """What a command says that ends by itself, and well."""
        done = subprocess.run(
            ["bash", "-euc", command], cwd=self.directory, env={**self.environment(name), **more},
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def started(self, name: str, port: int = 0) -> Iterator[Path]:
        """Run a service while the block runs; its log."""
        log = self.directory / f"{name}.log"
        environment = {**self.environment(name), "PORT": str(port), "GUNICORN_WORKERS": "1"}
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", SERVICES[name]["startCommand"]], cwd=self.directory, env=environment,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        try:
            yield log
        finally:
            process.terminate()
            process.wait(30)
            eventually(lambda: not group_of(process.pid), within=30)


@pytest.fixture
def site(tmp_path: Path, fresh_database: Callable[[], str], redis_url: str) -> Site:
    """What Render would have before the first deploy."""
    directory = tmp_path / "django_backend"
    ignored = shutil.ignore_patterns("__pycache__", "uploads", "staticfiles", ".*_cache", "celerybeat-schedule*")
    shutil.copytree(ROOT / "django_backend", directory, ignore=ignored)
    cache = urlunsplit(urlsplit(redis_url)._replace(path="/6"))
    with redis.Redis.from_url(cache) as server:
        server.flushdb()
    return Site(
        directory,
        {
            **dict.fromkeys(("SECRET_KEY", "JWT_SECRET"), "s" * 50),
            **dict.fromkeys(("REDIS_URL", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"), cache),
            "DATABASE_URL": fresh_database(),
            "ALLOWED_HOSTS": HOST,
            "CORS_ALLOWED_ORIGINS": f"https://{HOST}",
            "RENDER_EXTERNAL_HOSTNAME": f"web.{HOST}",
        },
    )


def test_render_yaml_valid() -> None:
    assert set(SERVICES) == {WEB, SOCKETS, WORKER, BEAT}
    for name, service in SERVICES.items():
        common = {"runtime": "python", "region": "oregon", "plan": "starter", "rootDir": "django_backend"}
        assert {key: service[key] for key in common} == common and service["autoDeploy"] is True
        assert service["type"] == ("web" if name in {WEB, SOCKETS} else "worker")
        assert service["startCommand"] == COMMANDS[name]
        rest = service["buildCommand"].removeprefix(INSTALL)
        assert rest == (" && python manage.py collectstatic --noinput" if name == WEB else "")
        assert (ROOT / service["rootDir"] / "requirements.txt").is_file()
    assert SERVICES[WEB]["preDeployCommand"] == "python manage.py migrate --noinput"
    assert {name: service.get("healthCheckPath") for name, service in SERVICES.items() if name != WEB} == dict.fromkeys(
        (SOCKETS, WORKER, BEAT)
    )
    assert SERVICES[WEB]["healthCheckPath"] == "/api/health" and SERVICES[BEAT]["numInstances"] == 1


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_told_what_the_plan_says_and_no_secret_is_written_down(name: str) -> None:
    entries = {entry["key"]: entry for entry in SERVICES[name]["envVars"]}
    assert entries.keys() == VARIABLES[name]
    literals = {key: entry["value"] for key, entry in entries.items() if "value" in entry}
    assert literals == {
        "DJANGO_SETTINGS_MODULE": "config.settings.production", "PYTHON_VERSION": "3.11.0", "DEBUG": "false",
    }  # fmt: skip
    assert all(entry["sync"] is False for key, entry in entries.items() if key not in literals)


def test_every_build_command_succeeds(site: Site) -> None:
    # Those of the others are its beginning. Everything is here already, so pip finds that it has nothing to fetch.
    said = site.run(WEB, SERVICES[WEB]["buildCommand"], PIP_NO_INDEX="1", PIP_DRY_RUN="1")
    assert "Requirement already satisfied: celery==" in said and "Would install" not in said
    assert (site.directory / "staticfiles" / "admin" / "css" / "base.css").is_file()


def health(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{SERVICES[WEB]['healthCheckPath']}", timeout=10) as answer:
        body: dict[str, Any] = json.load(answer)
        return body


def answers(port: int) -> bool:
    try:
        return bool(health(port))
    except OSError:
        return False


async def _first_close_code(port: int) -> int | None:
    async with websockets.connect(f"ws://127.0.0.1:{port}/ws/notifications/?token=bad") as socket:
        await socket.wait_closed()
        return socket.close_code


@pytest.mark.timeout(180)
def test_port_binding(site: Site) -> None:
    """Every start command, all four at once: the two that serve bind the port that they are told."""
    site.run(WEB, SERVICES[WEB]["preDeployCommand"])
    web, sockets = free_port(), free_port()
    with ExitStack() as running:
        running.enter_context(site.started(WEB, web))
        running.enter_context(site.started(SOCKETS, sockets))
        running.enter_context(site.started(WORKER))
        beat = running.enter_context(site.started(BEAT))
        eventually(lambda: answers(web) and answers(sockets), within=90)
        eventually(lambda: health(web)["status"] == "healthy", within=90)
        assert health(web)["services"] == {"database": "connected", "redis": "connected", "celery": "running"}
        eventually(lambda: "beat: Starting..." in beat.read_text(), within=60)
        assert asyncio.run(_first_close_code(sockets)) == 4001
        assert status_for(web, HOST) == 404 and status_for(web, "another.example") == 400


def status_for(port: int, host: str) -> int:
    """How the web service answers under a name."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/api/v1/nowhere", headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()
