"""Every account with a known password logs in on the new backend through the edge, and on the old one after going back.

One account for each hash that occurs; `ROUNDS=50` tries every account of the school.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import yaml

from migration.copy import copy
from migration.mappings import ROTC
from migration.verify import verify
from proxy.embedded import free_port
from stack.backends import DJANGO, NODE, Backends
from stack.edge import EdgeSettings, edge_program
from stack.paths import ROOT
from stack.processes import Supervisor
from stack.sample.passwords import password_of_user
from stack.sample.warts_accounts import NO_HASHES, ODD_PASSWORDS
from stack.seed import empty, seed
from tests.migration.people import rows
from tests.stack.settings import SECRET, settings_for

EVERYBODY = int(os.environ.get("ROUNDS", "3")) >= 50
pytestmark = pytest.mark.timeout(900 if EVERYBODY else 120)
Account = tuple[str, str]


@pytest.fixture
def backends(fresh_database: Callable[[], str], redis_url: str, tmp_path: Path) -> Iterator[Backends]:
    """Both, on their schemas; only Node's has rows."""
    settings = settings_for(fresh_database(), fresh_database(), redis_url)
    with Supervisor(tmp_path / "logs") as supervisor:
        both = Backends(supervisor, settings)
        both.prepare()
        seed(settings.node_database, None)
        _add_odd_accounts(settings.node_database)
        both.start_all()
        yield both


def _add_odd_accounts(url: str) -> None:
    texts = {name: stored for name, (_, stored) in ODD_PASSWORDS.items()} | NO_HASHES
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO users (username, password, role, is_active, is_approved) VALUES (%s, %s, 'cadet', true, 1)",
            list(texts.items()),
        )


def accounts(url: str) -> list[Account]:
    """Names and passwords of accounts that may log in."""
    found: dict[str, Account] = {}
    query = "SELECT id, username, password FROM users WHERE is_active AND is_approved = 1 ORDER BY id"
    for number, username, stored in rows(url, query):
        odd = ODD_PASSWORDS.get(username)
        password = odd[0] if odd else None if username in NO_HASHES else password_of_user(number)
        if password is not None:
            found.setdefault(username if EVERYBODY else stored, (username, password))
    return list(found.values())


@contextmanager
def edge_before(
    backends: Backends, active: str, store: str, redis_url: str, home: Path, supervisor: Supervisor
) -> Iterator[str]:
    """The edge with that backend active; its URL."""
    document = yaml.safe_load((ROOT / "config" / "rotc.yaml").read_text())
    document |= {"store": {"directory": str(home / active)}, "listen": {"edges": 1}, "active": active}
    document |= {"debug_header": True, "secret": SECRET, "log": {"access": False}}
    path = home / f"{active}.yaml"
    path.write_text(yaml.safe_dump(document))
    edge = EdgeSettings(path, free_port(), free_port(), store, redis_url, "of-the-operator")
    supervisor.start(edge_program(edge, backends.settings))
    yield edge.url
    supervisor.stop("cutover")


def login(edge: str, account: Account) -> tuple[int, str]:
    """The answer's status, and who gave it."""
    body = json.dumps({"username": account[0], "password": account[1]}).encode()
    headers = {"Content-Type": "application/json", "X-Cutover-Debug": "1"}
    request = urllib.request.Request(f"{edge}/api/v1/auth/login", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert json.loads(answer.read())["token"]
            return answer.status, answer.headers["X-Cutover-Backend"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["X-Cutover-Backend"]


def refused(edge: str, known: list[Account], by: str) -> dict[Account, tuple[int, str]]:
    """The accounts that were not let in by that backend; texts that are no hash must let nobody in."""
    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(known, pool.map(lambda account: login(edge, account), known), strict=True))
        for status, backend in pool.map(lambda account: login(edge, account), NO_HASHES.items()):
            assert (status, backend) in {(400, by), (401, by)}
    return {account: answer for account, answer in answers.items() if answer != (200, by)}


def test_every_account_logs_in_on_django_through_the_edge_and_after_going_back_on_node(
    backends: Backends, fresh_database: Callable[[], str], redis_url: str, tmp_path: Path
) -> None:
    node, django = backends.settings.node_database, backends.settings.django_database
    known = accounts(node)
    assert len(known) >= (250 if EVERYBODY else 28)
    with Supervisor(tmp_path / "edge-logs") as supervisor:
        copy(node, django, ROTC)
        with edge_before(backends, DJANGO, fresh_database(), redis_url, tmp_path, supervisor) as edge:
            assert refused(edge, known, DJANGO) == {}
        empty(node)
        copy(django, node, ROTC)
        report = verify(django, node, ROTC)
        assert report.ok, report.markdown()
        with edge_before(backends, NODE, fresh_database(), redis_url, tmp_path, supervisor) as edge:
            assert refused(edge, known, NODE) == {}
