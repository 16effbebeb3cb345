"""Regressions of single values: lost, shifted, rounded, cut, of another type."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from html import escape
from typing import Any

from tests.parity.plants.plant import ADMIN, CADET, INSTRUCTOR, Document, Plant, Probe, by, each, rows

CADETS = by(ADMIN, *(f"cadets/{number}" for number in (1, 2, 3, 57)))
SUMMARIES = by(ADMIN, *(f"grading/cadets/{number}/summary" for number in range(1, 25, 2)))
_SHIFT, _NOON = timedelta(hours=8), timedelta(days=1)


def _lost(document: Document) -> None:
    for row in rows(document):
        row.pop("religion", None)


def _shifted(written: str) -> str:
    return (datetime.fromisoformat(written) + _SHIFT).isoformat().replace("+00:00", "Z")


def _day_before(written: str) -> str:
    return (date.fromisoformat(written) - _NOON).isoformat()


def _without_nulls(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not None}


def _filled(document: Document) -> Document:
    return {name: "" if value is None else value for name, value in document.items()}


def _snake(document: Document) -> Document:
    return {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): value for name, value in document.items()}


def _swapped(document: Document) -> None:
    for row in rows(document):
        row["first_name"], row["last_name"] = row["last_name"], row["first_name"]


def _regardless_of_status(document: Document) -> None:
    if document["transmutedGrade"] in {"INC", "DO", "T"}:
        document["transmutedGrade"] = "5.00"


def _added_up(document: Document) -> None:
    for row in document:
        row["balance"] = abs(row["balance"]) + (row["type"] == "demerit") * 2 * abs(row["points"])


def _with_password(document: Document) -> None:
    document["password"] = "bcrypt$$2b$10$leaked"


def _latin(text: str) -> str:
    return text.encode().decode("latin-1")


def _whole(number: str) -> str:
    return str(int(float(number)))


def _as_double(number: str) -> Any:
    return float(number)


VALUES = (
    Plant("lost-field", "a serializer that forgot a column", "GET /api/v1/cadets/{id}", CADETS, _lost),
    Plant("truncated-text", "a VARCHAR where there was a TEXT", "GET /api/v1/cadets", by(ADMIN, "cadets?limit=50"),
          each("address", lambda text: text[:12])),
    Plant("trimmed-text", "a form field that strips blanks", "GET /api/v1/cadets", by(ADMIN, "cadets?limit=100"),
          each("year_level", str.strip)),
    Plant("mojibake", "UTF-8 read as Latin-1", "GET /api/v1/cadets", by(ADMIN, "cadets?search=%C3%B1"),
          each("last_name", _latin)),
    Plant("escaped-text", "HTML escaped on the way out", "GET /api/v1/messaging/rooms/{room}/messages",
          by(ADMIN, "messaging/rooms/general/messages"), each("content", escape)),
    Plant("shifted-date", "a DATE read as midnight in Manila", "GET /api/v1/cadets/me", by(CADET, "cadets/me"),
          each("birthdate", _day_before)),
    Plant("zone-shift", "a timestamp printed in local time", "GET /api/v1/auth/me", by(INSTRUCTOR, "auth/me"),
          each("created_at", _shifted)),
    Plant("whole-seconds", "timestamps without their milliseconds", "GET /api/v1/attendance/days",
          by(CADET, "attendance/days"), each("created_at", lambda text: f"{text[:19]}Z")),
    Plant("rounded-grade", "a final grade rounded for the screen", "GET /api/v1/grading/cadets/{id}/summary",
          SUMMARIES, each("finalGrade", lambda grade: round(grade, 2))),
    Plant("score-of-one-decimal", "a DECIMAL of another scale", "GET /api/v1/grading/grades",
          by(ADMIN, "grading/grades"), each("score", lambda score: score[:-1])),
    Plant("score-as-number", "a DECIMAL made a float", "GET /api/v1/grading/grades", by(CADET, "grading/grades"),
          each("score", _as_double)),
    Plant("weight-without-decimals", "a NUMERIC made an integer", "GET /api/v1/grading/categories",
          by(CADET, "grading/categories"), each("weight", _whole)),
    Plant("string-for-number", "points that went through a form", "GET /api/v1/grading/merit-logs",
          by(ADMIN, "grading/merit-logs"), each("points", str)),
    Plant("flag-for-number", "a 0/1 column made a boolean", "GET /api/v1/auth/me", by(CADET, "auth/me"),
          each("is_approved", bool)),
    Plant("size-of-32-bits", "a BIGINT made an INTEGER", "GET /api/v1/files", by(ADMIN, "files?limit=100"),
          each("size", lambda size: size & 0x7FFFFFFF)),
    Plant("parsed-images", "JSON in a text parsed too early", "GET /api/v1/activities/{id}",
          by(CADET, *(f"activities/{number}" for number in (1, 2, 3, 4))), each("images", json.loads)),
    Plant("missing-null", "null fields left out", "GET /api/v1/staff/{id}", by(ADMIN, "staff/4", "staff/5"),
          _without_nulls),
    Plant("null-as-empty", "a column made NOT NULL DEFAULT ''", "GET /api/v1/system/settings",
          by(CADET, "system/settings"), _filled),
    Plant("other-spelling", "settings in the spelling of the columns", "GET /api/v1/auth/settings",
          by(CADET, "auth/settings"), _snake),
    Plant("swapped-names", "two columns in the wrong order", "GET /api/v1/attendance/days/{id}/records",
          by(ADMIN, "attendance/days/1/records?company=Alpha"), _swapped),
    Plant("status-forgotten", "INC, DO and T not looked at", "GET /api/v1/grading/cadets/{id}/summary", SUMMARIES,
          _regardless_of_status),
    Plant("demerits-added", "a sign lost in the ledger", "GET /api/v1/grading/cadets/{id}/ledger",
          by(ADMIN, *(f"grading/cadets/{number}/ledger" for number in range(1, 9))), _added_up),
    Plant("field-too-many", "all columns of a user, the password too", "GET /api/v1/auth/me", by(ADMIN, "auth/me"),
          _with_password),
    Plant("login-without-staff", "a claim that nobody filled in", "POST /api/v1/auth/login",
          (Probe("anybody", "auth/login", {"username": "instructor", "password": "Left-Face-Right"}),),
          lambda document: document.update(staffId=None)),
)  # fmt: skip
