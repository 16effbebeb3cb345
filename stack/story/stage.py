"""What the story happens on: servers, both backends with equal data, cutover in front of them, and the load."""

from __future__ import annotations

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
from stack.edge import EdgeSettings, edge_program
from stack.paths import ROOT, VAR
from stack.processes import Supervisor
from stack.servers import Servers

HOME = VAR / "demo"
DATABASES = ("demo_node", "demo_django", "demo_cutover")
GUARD_WINDOW = 20  # seconds; in production 120. The demo has three minutes in all.


@dataclass
class Stage:
    """Handles to everything that runs."""

    backends: Backends
    edge: EdgeSettings

    @property
    def environment(self) -> dict[str, str]:
        """What the operator's command line must be told."""
        return self.edge.environment(self.backends.settings)

    def wish(self, **wishes: Any) -> None:
        """Switch Django's faults (stack/faults.py); none switches all off."""
        faults.wish(self.backends.settings.faults_file, **wishes)

    def add_rule(self, rule: dict[str, Any]) -> None:
        """Write one more compare rule into the configuration, as an operator would with an editor."""
        document = yaml.safe_load(self.edge.config.read_text())
        document["compare"]["rules"].append(rule)
        _write(self.edge.config, document)

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
        backends.seed(django_side=False)  # the new side begins empty: its rows come by `cutover migrate copy`
        backends.start_all()
        yield _in_front(servers, supervisor, backends, fresh["demo_cutover"])


def _settings(servers: Servers, databases: dict[str, str]) -> BackendSettings:
    known = stack_secrets()
    return BackendSettings(
        node_port=free_port(3001),
        django_port=free_port(8000),
        django_ws_port=free_port(8001),
        node_database=databases["demo_node"],
        django_database=databases["demo_django"],
        redis_url=servers.redis_url,
        jwt_secret=known["JWT_SECRET"],
        secret_key=known["SECRET_KEY"],
        faults_file=HOME / "faults.json",
        copy_secret=known["CUTOVER_SECRET"],
    )


def _in_front(servers: Servers, supervisor: Supervisor, backends: Backends, database: str) -> Stage:
    edge = EdgeSettings(
        config=_configuration(HOME / "cutover.yaml"),
        port=free_port(8080),
        control_port=free_port(8081),
        database=database,
        redis=servers.redis_url,
        token=stack_secrets()["CUTOVER_TOKEN"],
    )
    supervisor.start(edge_program(edge, backends.settings))
    return Stage(backends, edge)


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
