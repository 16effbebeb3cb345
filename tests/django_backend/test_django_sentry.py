"""Faults are reported to Sentry where its DSN is set (to a server on this machine here), and nothing of anybody."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from django.db import OperationalError
from django.test import RequestFactory

from common.errors import answer_for
from common.exceptions import MalformedJson
from common.faults import faults_watch, without_people
from tests.django_backend.serving import Start, asked
from tests.support.waiting import eventually

BACKEND = Path(__file__).parents[2] / "django_backend"


class Sentry:
    """What arrived, as it came over the wire and as events."""

    def __init__(self) -> None:
        self.dsn, self.raw = "", b""
        self.events: list[dict[str, Any]] = []


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    """A server that takes envelopes."""
    found = Sentry()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            text = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            found.raw += text
            lines = text.splitlines()
            pairs = itertools.pairwise(lines)
            found.events += [json.loads(after) for line, after in pairs if b'"event"' in line]
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Say nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        found.dsn = f"http://a-public-key@127.0.0.1:{server.server_address[1]}/1"
        yield found
        server.shutdown()


def test_a_fault_is_reported_without_a_word_about_anybody(
    sentry: Sentry, start: Start, fresh_database: Callable[[], str]
) -> None:
    # A database without tables: nobody foresaw that.
    database = fresh_database()
    connection = start(
        DATABASE_URL=database, SENTRY_DSN=sentry.dsn, ENVIRONMENT="rehearsal", RELEASE_VERSION="2.3.4"
    )  # fmt: skip
    credentials = json.dumps({"username": "alice@example.com", "password": "her secret"})
    headers = {"Content-Type": "application/json", "Authorization": "Bearer her-token", "Cookie": "a=her-cookie"}
    target = "/api/v1/auth/login?token=her-token"
    assert asked(connection, "POST", target, credentials, **headers)[0] == 500
    eventually(lambda: sentry.events, within=30)
    [event] = sentry.events
    assert (event["environment"], event["release"], event["platform"]) == ("rehearsal", "2.3.4", "python")
    kinds = [thrown["type"] for thrown in event["exception"]["values"]]
    assert kinds[-1] == "ProgrammingError" and {thrown["value"] for thrown in event["exception"]["values"]} == {""}
    assert any(frame["function"] == "post" for frame in event["exception"]["values"][-1]["stacktrace"]["frames"])
    assert event["tags"]["request_id"] and not {"request", "user", "breadcrumbs", "extra"} & event.keys()
    password = database.partition("://")[2].partition("@")[0].partition(":")[2]
    for secret in ("alice", "her secret", "her-token", "her-cookie", "127.0.0.1", os.environ["JWT_SECRET"], password):
        assert not secret or secret.encode() not in sentry.raw.partition(b'"exception"')[2], secret


@pytest.fixture
def watched(sentry: Sentry) -> Iterator[None]:
    """This process, watched by it."""
    faults_watch(dsn=sentry.dsn, environment="tests", release="1")
    yield
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def test_what_is_the_clients_or_the_databases_trouble_is_not_reported(
    sentry: Sentry, watched: None, rf: RequestFactory
) -> None:
    statuses = []
    for error in (MalformedJson(), OperationalError("gone"), ZeroDivisionError("a secret")):
        statuses.append(answer_for(error, {"request": rf.get("/")}).status_code)
        sentry_sdk.flush(10)
    assert statuses == [400, 503, 500]
    [event] = sentry.events
    assert event["exception"]["values"][0]["type"] == "ZeroDivisionError" and b"a secret" not in sentry.raw


@pytest.mark.parametrize(("dsn", "watched"), [("", "False"), ("http://key@127.0.0.1:1/1", "True")])
def test_without_a_dsn_it_is_off(dsn: str, watched: str) -> None:
    code = "import django, sentry_sdk; django.setup(); print(sentry_sdk.is_initialized())"
    environment = {
        **{"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings.production", "SENTRY_DSN": dsn},
        **{"SECRET_KEY": "s", "DATABASE_URL": "postgresql://a@127.0.0.1:1/b", "REDIS_URL": "redis://127.0.0.1:1"},
    }
    done = subprocess.run([sys.executable, "-c", code], cwd=BACKEND, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == watched, done.stderr


def test_whatever_the_sdk_finds_people_are_left_out() -> None:
    frame = {"function": "f", "vars": {"password": "x"}}
    event: Any = {
        **{"request": {"url": "x"}, "user": {"id": 1}, "server_name": "host", "extra": {"a": 1}, "level": "error"},
        "exception": {"values": [{"type": "E", "value": "Key (email)=(a@b.c)", "stacktrace": {"frames": [frame]}}]},
    }
    assert without_people(event, {}) == {
        "level": "error",
        "exception": {"values": [{"type": "E", "value": "", "stacktrace": {"frames": [{"function": "f"}]}}]},
    }
