"""Faults on demand: on when the file says so, off when it does not, and never for health checks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.util import setup_testing_defaults

import pytest

from stack.faults import LOOK_EVERY, FaultsFile, Share, wish, with_faults
from stack.planted import PLANTS

ANSWERS: dict[str, Any] = {
    "/api/health": {"status": "healthy"},
    "/api/v1/cadets": {"page": 1, "total": 2, "data": [{"id": 5, "religion": "Islam", "birthdate": "2003-03-01"}]},
    "/api/v1/cadets/5": {"religion": "Islam", "address": "Brgy. San Isidro, Sogod", "birthdate": "2003-03-01"},
    "/api/v1/system/stats": {"totalCadets": 290, "activeCadets": 260},
    "/api/v1/system/settings": {"semester": "1st", "announcement": None},
    "/api/v1/auth/me": {"id": 1, "religion": "kept"},
}


def truth(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A backend that answers right."""
    start_response("200 OK", [("Content-Type", "application/json"), ("ETag", 'W/"1"')])
    return [json.dumps(ANSWERS[environ["PATH_INFO"]]).encode()]


def ask(application: WSGIApplication, path: str, method: str = "GET") -> tuple[str, dict[str, str], Any]:
    """Status, headers and document of an answer."""
    environ: WSGIEnvironment = {"PATH_INFO": path, "REQUEST_METHOD": method}
    setup_testing_defaults(environ)
    heads: list[tuple[str, dict[str, str]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        heads.append((status, dict(headers)))

    body = b"".join(application(environ, start_response))
    return *heads[0], json.loads(body)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the wishes go."""
    return tmp_path / "faults.json"


@pytest.fixture
def faulty(file: Path) -> WSGIApplication:
    """The right backend, wrapped."""
    return with_faults(truth, FaultsFile(file))


def let_it_look() -> None:
    """Wait until the file is looked at again."""
    time.sleep(LOOK_EVERY * 1.2)


def test_without_a_file_every_answer_is_the_truth(faulty: WSGIApplication) -> None:
    for path, document in ANSWERS.items():
        assert ask(faulty, path)[2] == document


def test_errors_come_in_the_share_asked_for_and_stop_when_switched_off(faulty: WSGIApplication, file: Path) -> None:
    wish(file, errors=0.6)
    statuses = [ask(faulty, "/api/v1/auth/me")[0] for _ in range(50)]
    assert statuses.count("500 Internal Server Error") == 30
    wish(file)
    let_it_look()
    assert {ask(faulty, "/api/v1/auth/me")[0] for _ in range(50)} == {"200 OK"}


def test_a_removed_file_switches_everything_off(faulty: WSGIApplication, file: Path) -> None:
    wish(file, errors=1)
    assert ask(faulty, "/api/v1/auth/me")[0].startswith("500")
    file.unlink()
    let_it_look()
    assert ask(faulty, "/api/v1/auth/me")[0] == "200 OK"


@pytest.mark.parametrize("text", ["", "{", "{}"])
def test_an_empty_or_half_written_file_has_no_effect(faulty: WSGIApplication, file: Path, text: str) -> None:
    file.write_text(text)
    assert ask(faulty, "/api/v1/auth/me")[0] == "200 OK"


def test_health_is_never_touched(faulty: WSGIApplication, file: Path) -> None:
    wish(file, errors=1, delay=60, hang=True)
    assert ask(faulty, "/api/health")[0] == "200 OK"


def test_a_delay_delays(faulty: WSGIApplication, file: Path) -> None:
    wish(file, delay=0.2)
    began = time.monotonic()
    assert ask(faulty, "/api/v1/auth/me")[0] == "200 OK"
    assert time.monotonic() - began >= 0.2


def test_a_request_that_hung_ends_with_the_fault_and_had_no_effect(faulty: WSGIApplication, file: Path) -> None:
    wish(file, hang=True)
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(ask(faulty, "/api/v1/auth/me")[0]))
    asking.start()
    asking.join(0.5)
    assert asking.is_alive()
    wish(file)
    asking.join(5)
    assert answers == ["503 Service Unavailable"]


@pytest.mark.parametrize(("plant", "path", "field", "right", "wrong"), [
    ("lost-field", "/api/v1/cadets/5", "religion", "Islam", None),
    ("truncated-text", "/api/v1/cadets/5", "address", "Brgy. San Isidro, Sogod", "Brgy. San Is"),
    ("shifted-date", "/api/v1/cadets/5", "birthdate", "2003-03-01", "2003-02-28"),
    ("wrong-total", "/api/v1/cadets", "total", 2, 3),
    ("rounded-stats", "/api/v1/system/stats", "activeCadets", 260, 290),
    ("null-as-empty", "/api/v1/system/settings", "announcement", None, ""),
])  # fmt: skip
def test_a_planted_difference_shows_in_its_place_alone(
    faulty: WSGIApplication, file: Path, plant: str, path: str, field: str, right: Any, wrong: Any
) -> None:
    assert ask(faulty, path)[2][field] == right
    wish(file, plant=[plant])
    let_it_look()
    _, headers, document = ask(faulty, path)
    assert document.get(field) == wrong
    assert "ETag" not in headers
    assert ask(faulty, "/api/v1/auth/me")[2] == ANSWERS["/api/v1/auth/me"]
    assert ask(faulty, path, "PATCH")[2] == ANSWERS[path]


def test_every_plant_is_tried_above() -> None:
    tried = {"lost-field", "truncated-text", "shifted-date", "wrong-total", "rounded-stats", "null-as-empty"}
    assert set(PLANTS) == tried


def test_a_share_is_kept_exactly() -> None:
    share = Share()
    assert sum(share.hits(0.25) for _ in range(100)) == 25
