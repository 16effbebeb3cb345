"""What the story happens on: servers, both backends with equal data, cutover in front of them, and the load."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql

from proxy.embedded import ensure_database, free_port
from stack import faults
from stack.backends import Backends, BackendSettings
from stack.cli import stack_secrets
from stack.paths import ROOT, VAR
from stack.probes import http_answers
from stack.processes import Program, Supervisor
from stack.servers import Servers

HOME = VAR / "demo"
DATABASES = ("demo_node", "demo_django", "demo_cutover")
GUARD_WINDOW = 20  # seconds; in production 120. The demo has three minutes in all.


@dataclass
class Stage:
    """Handles to everything that runs."""

    backends: Backends
    supervisor: Supervisor
    edge_url: str
    control_url: str
    config: Path
    environment: dict[str, str]
    jwt_secret: str

    def wish(self, **wishes: Any) -> None:
        """Switch Django's faults (stack/faults.py); none switches all off."""
        faults.wish(self.backends.settings.faults_file, **wishes)

    def add_rule(self, rule: dict[str, Any]) -> None:
        """Write one more compare rule into the configuration, as an operator would with an editor."""
        document = yaml.safe_load(self.config.read_text())
        document["compare"]["rules"].append(rule)
        _write(self.config, document)

    def stored_writes(self, targets: list[str]) -> dict[str, Any]:
        """What the active backend's database holds for each of the load's writes."""
        with psycopg.connect(self.backends.settings.node_database) as connection:
            return {target: _stored(connection, target) for target in targets}


@contextmanager
def stage() -> Iterator[Stage]:
    """Everything but the load, started from nothing and stopped at the end. Raises what failed to start."""
    HOME.mkdir(parents=True, exist_ok=True)
    with Servers(VAR / "servers") as servers, Supervisor(HOME / "logs") as supervisor:
        servers.start()
        fresh = {name: _fresh(servers.databases["cutover"], name) for name in DATABASES}
        settings = _settings(servers, fresh)
        faults.wish(settings.faults_file)
        backends = Backends(supervisor, settings)
        backends.prepare()
        backends.seed()
        backends.start_all()
        yield _in_front(servers, supervisor, backends, fresh["demo_cutover"])


def _settings(servers: Servers, databases: dict[str, str]) -> BackendSettings:
    known = stack_secrets()
    return BackendSettings(
        node_port=free_port(3001),
        django_port=free_port(8000),
        node_database=databases["demo_node"],
        django_database=databases["demo_django"],
        redis_url=servers.redis_url,
        jwt_secret=known["JWT_SECRET"],
        secret_key=known["SECRET_KEY"],
        faults_file=HOME / "faults.json",
    )


def _in_front(servers: Servers, supervisor: Supervisor, backends: Backends, database: str) -> Stage:
    port, control = free_port(8080), free_port(8081)
    environment = {
        "PORT": str(port),
        "CUTOVER_CONTROL_PORT": str(control),
        "CUTOVER_TOKEN": stack_secrets()["CUTOVER_TOKEN"],
        "CUTOVER_DATABASE_URL": database,
        "CUTOVER_REDIS_URL": servers.redis_url,
        "NODE_PORT": str(backends.settings.node_port),
        "DJANGO_PORT": str(backends.settings.django_port),
    }
    config = _configuration(HOME / "cutover.yaml")
    argv = [sys.executable, "-m", "proxy.cli.main", "serve", "--config", str(config)]
    control_url = f"http://127.0.0.1:{control}"
    supervisor.start(
        Program(
            "cutover", argv, ROOT, os.environ | environment, ready=http_answers(f"{control_url}/readyz"), stop_within=30
        )
    )
    return Stage(
        backends=backends,
        supervisor=supervisor,
        edge_url=f"http://127.0.0.1:{port}",
        control_url=control_url,
        config=config,
        environment=environment,
        jwt_secret=backends.settings.jwt_secret,
    )


def _configuration(path: Path) -> Path:
    """The flagship's configuration with a guard that needs seconds instead of minutes, and its own directory."""
    document = yaml.safe_load((ROOT / "config" / "rotc.yaml").read_text())
    document["store"] = {"directory": str(HOME / "cutover")}
    document["debug_header"] = True
    document["guard"] = {"rules": [{"metric": "error_rate", "above": 0.10, "window": GUARD_WINDOW}]}
    _write(path, document)
    return path


def _write(path: Path, document: dict[str, Any]) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    draft.replace(path)


def _fresh(server: str, name: str) -> str:
    """An empty database of this name; what an earlier demo left in it is dropped."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    return ensure_database(server, name)


_STORED = {
    "user_settings": "SELECT primary_color FROM user_settings WHERE user_id = %s",
    "cadets": "SELECT address FROM cadets WHERE id = %s",
}


def _stored(connection: psycopg.Connection[Any], target: str) -> Any:
    table, _, key = target.partition("/")
    row = connection.execute(_STORED[table], [int(key)]).fetchone()
    return row[0] if row else None
