"""The flagship's rules against the answers that docs/api.md promises: what is allowed, and how little more."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.config import read
from shadow.answer import Answer
from shadow.compare.diff import Limits
from shadow.compare.rules import RuleBook
from shadow.compare.verdict import Verdict, compare
from shadow.testing import an_answer

CONFIG = read(Path("config/rotc.yaml"), {})
BOOK = RuleBook(CONFIG.compare.rules)
LIMITS = Limits.of(2.0, 1024 * 1024)

LIST, ONE, ME = "GET /api/v1/cadets", "GET /api/v1/cadets/{id}", "GET /api/v1/auth/me"
LOGS, STATS, LOGIN = "GET /api/v1/system/audit-logs", "GET /api/v1/system/stats", "POST /api/v1/auth/login"
SETTINGS = "GET /api/v1/system/settings"


def node(body: Any, status: int = 200) -> Answer:
    return an_answer(
        orjson.dumps(body), status, "application/json; charset=utf-8", x_powered_by="Express", etag='W/"1"'
    )


def django(body: Any, status: int = 200) -> Answer:
    return an_answer(orjson.dumps(body), status)


def envelope(message: str, status: int) -> Answer:
    return django({"error": "A phrase", "message": message, "code": "A_CODE", "details": {}}, status)


NODE_CADET = {
    "id": 57, "first_name": "Alice", "birthdate": "2003-04-05T00:00:00.000Z", "is_archived": None,
    "created_at": "2024-08-05T01:00:00.123Z", "updated_at": None,
}  # fmt: skip
DJANGO_CADET = NODE_CADET | {"birthdate": "2003-04-05", "created_at": "2024-08-05T01:00:00.123456Z"}
PAGE = {"page": 1, "limit": 20}
COUNTS = ("totalCadets", "activeCadets", "archivedCadets", "totalStaff", "totalUsers", "trainingDays")
RAW = 'invalid input syntax for type integer: "abc"'

FILES, LETTERS = "GET /api/v1/files", "GET /api/v1/attendance/excuse-letters"
SUMMARY, LEDGER = "GET /api/v1/grading/cadets/{id}/summary", "GET /api/v1/grading/cadets/{id}/ledger"
BOARD, GRADES = "GET /api/v1/grading/leaderboard", "GET /api/v1/grading/grades"
DOWNLOAD, RECORDS = "GET /api/v1/reports/{id}/download", "GET /api/v1/attendance/days/{id}/records"
CADETS_IN_ORDER = LIST
DAYS_POST, CADET_PUT = "POST /api/v1/attendance/days", "PUT /api/v1/cadets/{id}"
SCAN = "POST /api/v1/attendance/scan"
CADET_DELETE = "DELETE /api/v1/cadets/{id}"
FIGURES = ("present", "trainingDays", "merits", "demerits")

ALLOWED = [
    (SCAN, node({"attendance": {"id": 1, "time_in": "8:00:01 AM", "created_at": "2024-08-05T00:00:01.123Z"}}),
     django({"attendance": {"id": 1, "time_in": "8:00:02 AM", "created_at": "2024-08-05T00:00:02.456789Z"}})),
    (LIST, node(PAGE | {"total": "290", "data": [NODE_CADET]}), django(PAGE | {"total": 290, "data": [DJANGO_CADET]})),
    (ONE, node(NODE_CADET), django(DJANGO_CADET)),
    ("GET /api/v1/cadets/me", node(NODE_CADET), django(DJANGO_CADET)),
    (ME, node({"created_at": "2024-08-05T01:00:00.000Z"}), django({"created_at": "2024-08-05T01:00:00.000900Z"})),
    (
        LOGS,
        node(PAGE | {"total": "2", "data": [{"id": "9007", "created_at": "2024-08-05T01:00:00.000Z"}]}),
        django(PAGE | {"total": 2, "data": [{"id": 9007, "created_at": "2024-08-05T01:00:00Z"}]}),
    ),
    (STATS, node(dict.fromkeys(COUNTS, "7")), django(dict.fromkeys(COUNTS, 7))),
    (STATS, node(dict.fromkeys(COUNTS, "7")), django(dict.fromkeys(COUNTS, 7) | {"totalCadets": 8, "totalStaff": 8})),
    (LOGIN, node({"token": "a.b.c", "role": "cadet"}), django({"token": "d.e.f", "role": "cadet"})),
    (LOGIN, node({"message": "Invalid credentials"}, 401), envelope("Invalid credentials", 401)),
    (ONE, node({"message": "Cadet not found"}, 404), envelope("Cadet not found", 404)),
    ("GET /nowhere", node({"message": "Not found"}, 404), envelope("Not found", 404)),
    (LIST, node({"message": "OFFSET must not be negative"}, 500), envelope("page must be at least 1", 400)),
    (ONE, node({"message": RAW}, 500), envelope("id must be an integer", 400)),
    (DOWNLOAD, node({"message": "ENOENT: no such file"}, 500), envelope("File not found", 404)),
    (FILES, node(PAGE | {"data": [{"id": "u", "size": "12"}]}), django(PAGE | {"data": [{"id": "u", "size": 12}]})),
    (SUMMARY, node(dict.fromkeys(FIGURES, "3")), django(dict.fromkeys(FIGURES, 3))),
    (BOARD, node([{"rank": 1, "points": "7"}]), django([{"rank": 1, "points": 9}])),
    (LEDGER, node([{"id": None, "date_recorded": "2026-03-01T00:00:00.001Z"}]),
     django([{"id": None, "date_recorded": "2026-03-01T00:00:01.002003Z"}])),
    (LETTERS, node({"data": [{"id": 1, "date_absent": "2026-03-01T00:00:00.000Z"}]}),
     django({"data": [{"id": 1, "date_absent": "2026-03-01"}]})),
    (GRADES, node({"data": [{"id": 1, "a": "x"}, {"id": 2}]}), django({"data": [{"id": 2}, {"id": 1, "a": "x"}]})),
    ("GET /api/v1/staff", node({"data": [{"id": 1, "last_name": "Cruz"}, {"id": 2, "last_name": "Cruz"}]}),
     django({"data": [{"id": 2, "last_name": "Cruz"}, {"id": 1, "last_name": "Cruz"}]})),
    ("GET /api/v1/attendance/days", node({"data": [{"id": 1, "date": "x"}, {"id": 2, "date": "x"}]}),
     django({"data": [{"id": 2, "date": "x"}, {"id": 1, "date": "x"}]})),
    ("GET /api/v1/grading/merit-logs", node({"data": [{"id": 1}, {"id": 2}]}),
     django({"data": [{"id": 2}, {"id": 1}]})),
    (FILES, node({"data": [{"id": "a", "created_at": None}]}), django({"data": [{"id": "b", "created_at": None}]})),
    (RECORDS, node([{"cadet_id": 1}, {"cadet_id": 2}]), django([{"cadet_id": 2}, {"cadet_id": 1}])),
    ("GET /api/v1/grading/categories", node([{"id": 1}, {"id": 2}]), django([{"id": 2}, {"id": 1}])),
    ("GET /api/v1/activities/{id}", node({"participants": [{"id": 1}, {"id": 2}]}),
     django({"participants": [{"id": 2}, {"id": 1}]})),
    (DAYS_POST, node({"id": 1}), django({"id": 1}, 201)),
    (CADET_PUT, node({}), envelope("Cadet not found", 404)),
    (CADET_DELETE, node({"message": "Cadet archived"}), envelope("Cadet not found", 404)),
    (ONE, node({"message": "Not found"}, 404), envelope("Method not allowed", 405)),
    (LOGIN, node({"message": "Username and password are required"}, 400), envelope("Unsupported media type", 415)),
    (ONE, node({"message": "duplicate key value"}, 500), envelope("Already exists", 409)),
    (ONE, node({"message": "File too large"}, 500), envelope("File too large", 413)),
    ("POST /api/v1/files/upload", node({"filename": "AÃ±o", "size": "1"}), django({"filename": "Año", "size": 1}, 201)),
    ("POST /api/v1/cadets/bulk/archive", node({"updated": 2}), django({"updated": 1})),
    (DOWNLOAD, an_answer(b"Found", 302, "text/plain", location="/x"), an_answer(b"", 302, "text/html", location="/x")),
    (LOGIN, node({"message": "Unexpected token } in JSON at position 4"}, 500), envelope("Malformed JSON", 400)),
]  # fmt: skip

NOT_ALLOWED = [
    (ONE, node({"id": 1}), django({"id": 1}, 201)),
    (CADET_PUT, node({"id": 1, "religion": None}), envelope("Cadet not found", 404)),
    (ONE, node(NODE_CADET), envelope("Cadet not found", 404)),
    (CADET_PUT, node({"id": 1}), envelope("Unsupported media type", 415)),
    (DOWNLOAD, an_answer(b"", 302, location="/x"), an_answer(b"", 302, location="/y")),
    (LIST, node(PAGE | {"total": "290", "data": []}), django(PAGE | {"total": 289, "data": []})),
    (ONE, node(NODE_CADET), django(DJANGO_CADET | {"birthdate": "2003-04-04"})),
    (ONE, node(NODE_CADET), django(DJANGO_CADET | {"created_at": "2024-08-05T09:00:00.123456Z"})),
    (ONE, node(NODE_CADET), django(DJANGO_CADET | {"is_archived": False})),
    (ONE, node(NODE_CADET), django({name: value for name, value in DJANGO_CADET.items() if name != "updated_at"})),
    (ONE, node(NODE_CADET | {"id": "57"}), django(DJANGO_CADET)),
    (ONE, node(NODE_CADET), envelope("id must be an integer", 400)),
    (ONE, node({"message": "Access denied"}, 403), envelope("Cadet not found", 404)),
    (ONE, node({"message": "Access denied"}, 403), envelope("You shall not pass", 403)),
    (ONE, node({"message": "boom"}, 500), envelope("boom", 404)),
    (DOWNLOAD, node({"message": "gone"}, 404), envelope("File not found", 404)),
    (
        GRADES,
        node({"data": [{"id": 1, "cadet_id": 1}, {"id": 2, "cadet_id": 2}, {"id": 3, "cadet_id": 3}]}),
        django({"data": [{"id": 1, "cadet_id": 1}, {"id": 9, "cadet_id": 2}, {"id": 3, "cadet_id": 3}]}),
    ),
    (
        GRADES,
        node({"data": [{"id": 1, "cadet_id": 1}, {"id": 2, "cadet_id": 2}]}),
        django({"data": [{"id": 2, "cadet_id": 2}, {"id": 1, "cadet_id": 1}]}),
    ),
    (CADETS_IN_ORDER, node({"data": [{"id": 1}, {"id": 2}]}), django({"data": [{"id": 2}, {"id": 1}]})),
    (SUMMARY, node({"present": "3", "prelim": "92.50"}), django({"present": 3, "prelim": 92.5})),
    (LOGIN, node({"token": "a", "role": "cadet"}), django({"token": "b", "role": "admin"})),
    (STATS, node(dict.fromkeys(COUNTS, "7")), django(dict.fromkeys(COUNTS, 7) | {"totalUsers": 8})),
    (SETTINGS, node({"dark": None}), django({"dark": ""})),
    (SETTINGS, node({"a": "1"}), django({"a": 1})),
]


@pytest.mark.parametrize("flipped", [False, True], ids=["before the flip", "after the flip"])
@pytest.mark.parametrize(("route", "legacy", "new"), ALLOWED)
def test_what_the_contract_allows_is_ignored_by_name(route: str, legacy: Answer, new: Answer, flipped: bool) -> None:
    active, standby = (new, legacy) if flipped else (legacy, new)
    outcome = compare(active, standby, BOOK.of(route, (active.status, standby.status), date(2026, 3, 1)), LIMITS)
    assert outcome.verdict is Verdict.IGNORED, outcome.differences
    assert outcome.rules


@pytest.mark.parametrize("flipped", [False, True], ids=["before the flip", "after the flip"])
@pytest.mark.parametrize(("route", "legacy", "new"), NOT_ALLOWED)
def test_anything_else_is_a_mismatch(route: str, legacy: Answer, new: Answer, flipped: bool) -> None:
    active, standby = (new, legacy) if flipped else (legacy, new)
    outcome = compare(active, standby, BOOK.of(route, (active.status, standby.status), date(2026, 3, 1)), LIMITS)
    assert outcome.verdict is Verdict.MISMATCHED


def test_every_operation_of_the_contract_is_a_route() -> None:
    text = Path("docs/api.md").read_text()
    sections = re.split(r"^## (\w+)", text, flags=re.MULTILINE)[1:]
    operations = set()
    for section in sections[1::2]:
        for cell in re.findall(r"^\| (`[A-Z]+ .*?) \|", section, flags=re.MULTILINE):
            for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) ([^`?]+)[^`]*`", cell):
                operations.add(f"{method} {path}" if path.startswith("/") else f"{method} /api/v1/{path}")
    assert len(operations) > 80
    assert operations <= {route.match for route in CONFIG.routes}


def test_every_rule_is_needed() -> None:
    used: set[str] = set()
    for route, active, standby in ALLOWED:
        rules = BOOK.of(route, (active.status, standby.status), date(2026, 3, 1))
        used |= set(compare(active, standby, rules, LIMITS).rules)
    assert used == {rule.name for rule in CONFIG.compare.rules}
