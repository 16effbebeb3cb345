"""What goes wrong at the keyboard: requests that must be refused, or answered without harm, and never change anything.

Where the legacy answers 500 with the database's words the new side has a proper 4xx: both are right. What would end the
legacy's process (half of a surrogate pair in a password, docs/api.md) is not among them: that is a fault, no load.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stack.request import JSON, Content, Request, Upload, form
from stack.sample.population import KNOWN_LOGINS
from stack.whole.actor import MAYBE_GONE, NOBODY, REFUSED, Actor

BAD_REQUEST, NO_TOKEN, FORBIDDEN, MISSING = (frozenset({status}) for status in (400, 401, 403, 404))


def _expired(me: Actor) -> Request:
    # Its signature is right: its age alone is what it is refused for.
    return me.ask("GET auth/me", token=me.cast.expired(me.client), expected=FORBIDDEN)


def _wrong_password(me: Actor) -> Request:
    body = {"username": me.rng.choice(KNOWN_LOGINS).username, "password": f"wrong {me.tag}"}
    return me.ask("POST auth/login", anonymous=True, body=body, expected=NO_TOKEN)


def _malformed(operation: str) -> Callable[[Actor], Request]:
    def make(me: Actor) -> Request:
        text = me.rng.choice((b"{", b'{"name": }', b"[1, 2", b'"just text"x', b"{'single': 1}", b"\xff\xfe"))
        return me.ask(operation, by=me.cast.admins[0], content=Content(JSON, text), expected=REFUSED)

    return make


def _page(params: dict[str, str], expected: frozenset[int]) -> Callable[[Actor], Request]:
    return lambda me: me.ask("GET cadets", by=me.colleague(), query=params, expected=expected)


def _as_staff(operation: str, expected: frozenset[int], **more: Any) -> Callable[[Actor], Request]:
    return lambda me: me.ask(operation, by=me.cast.admins[-1], expected=expected, **more)


def _as_cadet(operation: str, **ids: Any) -> Callable[[Actor], Request]:
    return lambda me: me.ask(operation, by=me.cast.cadets[0], expected=FORBIDDEN, **ids)


def _too_large(me: Actor) -> Request:
    content = form({}, [("file", Upload("film.mp4", bytes(10 * 1024 * 1024 + 1), "video/mp4"))])
    return me.ask("POST files/upload", content=content, expected=frozenset({413, 500}))


def _unknown_path(me: Actor) -> Request:
    return Request("GET", "no/such/thing", me.client, expected=MISSING, operation="GET no/such/thing")


_MARK = {"trainingDayId": 1, "cadetId": NOBODY, "status": "present"}
MISTAKES: tuple[Callable[[Actor], Request], ...] = (
    _expired,
    _wrong_password,
    _unknown_path,
    *map(_malformed, ("POST cadets", "PUT system/settings", "POST attendance/mark", "POST auth/login")),
    _page({"page": "0"}, REFUSED),
    _page({"page": "x"}, REFUSED),
    _page({"limit": "-1"}, REFUSED),
    # Beyond the end there is nothing; a limit beyond the most is the most.
    _page({"page": "99999999", "limit": "100000"}, frozenset({200})),
    _page({"page": "9" * 40}, REFUSED | {200, 404}),
    lambda me: me.ask("GET auth/me", anonymous=True, expected=NO_TOKEN),
    lambda me: me.ask("GET cadets", token="no.token.at-all", expected=FORBIDDEN),
    _as_staff("GET cadets/{id}", REFUSED, id="abc"),
    _as_staff("GET cadets/{id}", REFUSED, id="99999999999999999999"),
    _as_staff("GET cadets/{id}", MISSING, id=NOBODY),
    _as_staff("GET staff/{id}", MISSING, id=NOBODY),
    _as_staff("GET activities/{id}", MISSING, id=NOBODY),
    _as_staff("GET attendance/days/{id}", MISSING, id=NOBODY),
    _as_staff("GET grading/cadets/{id}/summary", MISSING, id=NOBODY),
    _as_staff("GET files/{id}", REFUSED, id="no-uuid"),
    _as_staff("GET files/{id}", MISSING, id="00000000-0000-4000-8000-000000000000"),
    _as_staff("GET reports/{id}/download", MISSING, id="00000000-0000-4000-8000-000000000000"),
    _as_staff("PUT grading/grades/{id}", MAYBE_GONE, id=NOBODY, body={"remarks": "nobody's"}),
    _as_staff("DELETE activities/{id}", MAYBE_GONE, id=NOBODY),
    _as_staff("POST cadets", BAD_REQUEST, body={"first_name": "Nobody", "student_id": ""}),
    _as_staff("POST cadets", REFUSED | {409}, body={"first_name": "a", "last_name": "b", "student_id": "W-\0"}),
    _as_staff("POST cadets/bulk/archive", BAD_REQUEST, body={"ids": "1,2"}),
    _as_staff("POST cadets/bulk/archive", REFUSED, body={"ids": ["abc"]}),
    _as_staff("POST cadets/import", BAD_REQUEST, content=form({"note": "no file"})),
    _as_staff("POST attendance/mark", REFUSED, body=_MARK),
    _as_staff("POST attendance/mark", REFUSED, body=_MARK | {"cadetId": 1, "status": "sleeping"}),
    _as_staff("POST attendance/scan", MISSING, body={"trainingDayId": 1, "qrData": "nobody's"}),
    _as_staff("PUT attendance/excuse-letters/{id}/status", BAD_REQUEST, id=1, body={"status": "maybe"}),
    _as_staff("POST grading/grades", REFUSED, body={"cadetId": NOBODY, "categoryId": 1, "score": 1}),
    _as_staff("POST grading/merit-logs", REFUSED, body={"cadetId": 1, "type": "praise", "points": 1}),
    _as_staff("POST reports", BAD_REQUEST, body={"params": {}}),
    _as_staff("POST messaging/broadcast", BAD_REQUEST, body={"message": ""}),
    _as_cadet("GET cadets"),
    _as_cadet("GET cadets/{id}", id=2),
    _as_cadet("POST attendance/mark"),
    _as_cadet("DELETE cadets/{id}", id=2),
    _as_cadet("GET system/audit-logs"),
)
RARE = 0.01  # ten megabytes are not sent often


def bad_request(me: Actor) -> Request:
    """One of them, by chance."""
    make = _too_large if me.rng.random() < RARE else me.rng.choice(MISTAKES)
    return replace(make(me), bad=True)
