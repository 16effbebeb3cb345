"""Where parity is proved: the two backends on equal rows, and the real edge in front of them, mirroring every read."""

from __future__ import annotations

import json
import secrets
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql

from proxy.embedded import database_url, ensure_database, free_port
from stack.backends import Backends, BackendSettings
from stack.edge import EdgeSettings, edge_program
from stack.paths import ROOT
from stack.processes import Supervisor
from stack.seed import seed
from tests.parity.warts import add_warts

SECRET = "a secret that only the proof of parity knows, long enough to sign with"
PLANTED_SETTINGS = "tests.parity.plants.settings"
CONFIG = ROOT / "config" / "rotc.yaml"
AGREED_WITHIN = 20.0
UPLOADED = "parity.txt"  # a file that lies in the directory of uploads on both sides


@dataclass
class Databases:
    """Two seeded databases with equal rows. They are never served: what is served are copies of them."""

    server: str
    node: str
    django: str
    made: list[str]

    def copies(self) -> tuple[str, str]:
        """Fresh copies of both."""
        return self._copy(self.node), self._copy(self.django)

    def empty(self) -> str:
        """One more database."""
        self.made.append(f"parity_{secrets.token_hex(5)}")
        return ensure_database(self.server, self.made[-1])

    def _copy(self, url: str) -> str:
        name, source = f"parity_{secrets.token_hex(5)}", url.partition("?")[0].rpartition("/")[2]
        self.made.append(name)
        with psycopg.connect(self.server, autocommit=True) as connection:
            make = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(make.format(sql.Identifier(name), sql.Identifier(source)))
        return database_url(self.server, name)

    def drop(self) -> None:
        """Remove all that were made."""
        with psycopg.connect(self.server, autocommit=True) as connection:
            for name in self.made:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self.made.clear()


@contextmanager
def seeded(server: str, home: Path) -> Iterator[Databases]:
    """Both schemas as the backends make them, with equal rows: the sample, and every wart that both can hold."""
    databases = Databases(server, "", "", [])
    try:
        databases.node, databases.django = databases.empty(), databases.empty()
        with Supervisor(home / "logs") as supervisor:
            Backends(supervisor, _settings(databases.node, databases.django, "redis://127.0.0.1:1", home)).prepare()
        seed(databases.node, databases.django)
        add_warts(databases.node, databases.django)
        _mix(databases.node)
        yield databases
    finally:
        databases.drop()


def _mix(node: str) -> None:
    """Let Node's tables have another order of pages, as years of changes leave it. The rows stay what they are."""
    with psycopg.connect(node) as connection:
        connection.execute("UPDATE grade_categories SET name = name WHERE id = 1")
        connection.execute("UPDATE cadets SET rank = rank WHERE id % 3 = 0")
        connection.execute("UPDATE activity_cadets SET cadet_id = cadet_id WHERE cadet_id % 2 = 0")


@dataclass
class Pair:
    """Both backends on databases of their own."""

    backends: Backends
    settings: BackendSettings

    @property
    def urls(self) -> tuple[str, str]:
        """Where they answer: the active one, the standby."""
        return self.settings.node_url, self.settings.django_url

    def plant(self, name: str = "") -> None:
        """Switch one regression on in Django (none: all off). It holds from the next request on."""
        file = plant_file(self.settings.faults_file.parent)
        draft = file.with_suffix(".new")
        draft.write_text(name)
        draft.replace(file)

    def execute(self, statement: str) -> None:
        """Change both databases alike, behind the backends' backs."""
        for url in (self.settings.node_database, self.settings.django_database):
            with psycopg.connect(url) as connection:
                connection.execute(statement.encode())


def plant_file(home: Path) -> Path:
    """Where the name of the regression is written that is on."""
    return home / "plant"


def _settings(node: str, django: str, redis_url: str, home: Path) -> BackendSettings:
    return BackendSettings(
        node_port=free_port(), django_port=free_port(), node_database=node, django_database=django, redis_url=redis_url,
        jwt_secret=SECRET, secret_key=SECRET, faults_file=home / "faults.json", django_workers=1, django_threads=4,
        extra={"CUTOVER_SECRET": SECRET, "GUNICORN_MAX_REQUESTS": "100000000"},
    )  # fmt: skip


@contextmanager
def pair(databases: Databases, redis_url: str, home: Path, *, plants: bool = False) -> Iterator[Pair]:
    """Both backends, as they are in production; with *plants* Django has the switch for regressions, all off."""
    home.mkdir(parents=True, exist_ok=True)
    settings = _settings(*databases.copies(), redis_url, home)
    settings.uploads.mkdir(exist_ok=True)
    (settings.uploads / UPLOADED).write_text("the same bytes on both sides\n")
    if plants:
        switch = {"DJANGO_SETTINGS_MODULE": PLANTED_SETTINGS, "PARITY_PLANT_FILE": str(plant_file(home))}
        settings = replace(settings, extra={**(settings.extra or {}), **switch})
    with Supervisor(home / "logs") as supervisor:
        both = Pair(Backends(supervisor, settings), settings)
        both.plant()
        both.backends.start_all()
        yield both


@dataclass
class Stage:
    """A pair with the edge in front of it."""

    pair: Pair
    edge: EdgeSettings

    def control(self, path: str, body: Any = None) -> Any:
        """Ask the control API, as an operator."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.edge.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.edge.control_url}{path}", data, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def wait_for_edges(self) -> None:
        """Until every edge goes by the present state: what it mirrors before is counted as skipped."""
        deadline = time.monotonic() + AGREED_WITHIN
        while not (edges := self.control("/api/status")["edges"]) or not all(edge["agrees"] for edge in edges):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the edges do not agree: {edges}")
            time.sleep(0.05)


@contextmanager
def stage(databases: Databases, redis_url: str, home: Path) -> Iterator[Stage]:
    """Both backends and the edge, which mirrors everything that the flagship's configuration lets it mirror."""
    with pair(databases, redis_url, home, plants=True) as both, Supervisor(home / "edge-logs") as supervisor:
        edge = EdgeSettings(
            config=_configuration(home), port=free_port(), control_port=free_port(), database=databases.empty(),
            redis=redis_url, token="of-the-operator",
        )  # fmt: skip
        supervisor.start(edge_program(edge, both.settings))
        on = Stage(both, edge)
        on.control("/api/start", {"empty": True})
        on.wait_for_edges()
        yield on


def _configuration(home: Path) -> Path:
    """The flagship's own file; only what would hold a proof back is different: rates, samples, the guard."""
    document = yaml.safe_load(CONFIG.read_text())
    document["store"] = {"directory": str(home / "cutover")}
    document["secret"] = SECRET
    document["listen"] = {"edges": 1}
    document["mirror"] = {
        "percent": 100,
        "rate": 5000,
        "timeout": "30s",
        "concurrency": 6,
        "body_limit": 16 * 1024 * 1024,
    }
    document["compare"] = {**document["compare"], "noise_percent": 0}
    document["guard"] = {"enabled": False}
    document["rows"]["watch"] = 0  # what a heal mends would go unseen
    document["log"] = {"access": False}
    path = home / "cutover.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return path
