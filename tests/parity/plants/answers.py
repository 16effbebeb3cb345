"""Regressions of whole answers: who may ask, statuses, envelopes, headers, caches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.parity.plants.plant import ADMIN, CADET, INSTRUCTOR, NOBODY, Answered, Document, Plant, Probe, by

GONE = by(ADMIN, "cadets/999999999")
# Another value each time, so that a second try finds a change as well.
OWN_SETTINGS = (
    "INSERT INTO user_settings (user_id, primary_color) VALUES (14, 'teal') "
    "ON CONFLICT (user_id) DO UPDATE SET primary_color = user_settings.primary_color || '+'"
)


def _status(before: int, after: int) -> Callable[[Answered], Answered]:
    def spoil(answered: Answered) -> Answered:
        return replace(answered, status=after) if answered.status == before else answered

    return spoil


def _message(text: str) -> Callable[[Answered], Answered]:
    def spoil(answered: Answered) -> Answered:
        return replace(answered, document={**answered.document, "message": text})

    return spoil


def _null(answered: Answered) -> Answered:
    return replace(answered, status=200, document=None)


def _frameworks_envelope(answered: Answered) -> Answered:
    return replace(answered, document={"detail": answered.document["message"]})


def _wrapped(document: Document) -> Document:
    return {"success": True, "data": document}


def _page(answered: Answered) -> Answered:
    return replace(answered, fields={"Content-Type": "text/html; charset=utf-8"})


def _redirected(answered: Answered) -> Answered:
    return replace(answered, status=301, fields={"Location": "/api/v1/cadets/me/"})


def _elsewhere(answered: Answered) -> Answered:
    return replace(answered, fields={"Location": "/api/v1/staff/4"})


def _crashed(answered: Answered) -> Answered:
    if answered.status == 200 and answered.document["birthdate"] is None:
        return replace(answered, status=500, document={"message": "Internal server error"})
    return answered


def _login(username: str, password: str) -> tuple[Probe, ...]:
    return (Probe(NOBODY, "auth/login", {"username": username, "password": password}),)


def _any_case(statement: str, params: Any) -> tuple[str, Any]:
    return statement.replace('"users"."username" = %s', 'lower("users"."username") = lower(%s)'), params


ANSWERS = (
    Plant("200-for-403", "a permission forgotten", "GET /api/v1/cadets", by(CADET, "cadets"), as_admin=True),
    Plant("logs-for-everybody", "a stricter permission forgotten", "GET /api/v1/system/audit-logs",
          by(INSTRUCTOR, "system/audit-logs"), as_admin=True),
    Plant("403-for-401", "nobody treated as somebody", "GET /api/v1/auth/me", by(NOBODY, "auth/me"),
          spoil=_status(401, 403)),
    Plant("404-for-403", "others' rows hidden", "GET /api/v1/cadets/{id}", by(CADET, "cadets/2"),
          spoil=_status(403, 404)),
    Plant("403-for-200", "one's own row denied", "GET /api/v1/cadets/me", by(CADET, "cadets/me"),
          spoil=_status(200, 403)),
    Plant("400-for-404", "a missing row called bad input", "GET /api/v1/cadets/{id}", GONE, spoil=_status(404, 400)),
    Plant("null-for-404", "a missing row answered as null", "GET /api/v1/staff/{id}", by(ADMIN, "staff/999999999"),
          spoil=_null),
    Plant("404-behind-the-end", "the framework's paginator", "GET /api/v1/cadets", by(ADMIN, "cadets?page=999"),
          spoil=_status(200, 404)),
    Plant("other-message", "the framework's own words", "GET /api/v1/cadets/{id}", GONE,
          spoil=_message("No Cadet matches the given query.")),
    Plant("other-envelope", "the framework's own envelope", "GET /api/v1/activities/{id}",
          by(CADET, "activities/999999999"), spoil=_frameworks_envelope),
    Plant("wrapped-answer", "an envelope around good answers, too", "GET /api/v1/system/stats",
          by(ADMIN, "system/stats"), _wrapped),
    Plant("other-content-type", "a page instead of JSON", "GET /api/v1/system/settings", by(CADET, "system/settings"),
          spoil=_page),
    Plant("redirect-to-slash", "APPEND_SLASH left on", "GET /api/v1/cadets/me", by(CADET, "cadets/me"),
          spoil=_redirected),
    Plant("other-location", "a Location that nobody asked for", "GET /api/v1/staff/me", by(INSTRUCTOR, "staff/me"),
          spoil=_elsewhere),
    Plant("500-for-some-rows", "a null that nobody thought of", "GET /api/v1/cadets/{id}",
          by(ADMIN, *(f"cadets/{number}" for number in range(1, 31))), spoil=_crashed),
    Plant("500-for-200", "an exception in a view", "GET /api/v1/grading/leaderboard", by(CADET, "grading/leaderboard"),
          spoil=_status(200, 500)),
    Plant("names-in-any-case", "a collation that ignores case", "POST /api/v1/auth/login",
          _login("ADMIN", "Parade-Ground-1"), sql=_any_case),
    Plant("password-unchecked", "any password will do", "POST /api/v1/auth/login", _login("admin", "wrong"),
          spoil=_status(401, 200)),
    Plant("stale-cache", "an answer kept after a change", "GET /api/v1/auth/settings", by(CADET, "auth/settings"),
          cache="{token} {path}", disturb=OWN_SETTINGS),
    Plant("shared-cache", "a cache that forgets who asks", "GET /api/v1/auth/me",
          (*by(ADMIN, "auth/me"), *by(CADET, "auth/me")), cache="{path}"),
)  # fmt: skip
