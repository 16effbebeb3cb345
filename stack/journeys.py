"""The small mix: reads of auth, cadets and system that two backends answer alike, and writes that stay off their rows.

It is what the demo compares and ramps under. The whole API is in `stack.whole`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from stack.cast import Cast, credentials, readable_cadet
from stack.request import Request

SEARCHES = ("an", "Cruz", "ñ", "20-000", "O'B", "zzz", "%", "Ma")
COMPANIES = ("Alpha", "Bravo", "Charlie", "Delta", "HQ")
COURSES = ("BSIT", "BSED", "BS Marine Eng'g")
LOGIN, LOGIN_PATH = "login", "auth/login"


@dataclass(frozen=True)
class Operation:
    """A kind of request and its share of the load."""

    name: str
    weight: float
    build: Callable[[Random, Cast, int], Request]


def _list(rng: Random, cast: Cast, _: int) -> Request:
    params = {"page": str(rng.choice((1, 1, 1, 2, 3, 7))), "limit": str(rng.choice((10, 20, 20, 50)))}
    return Request("GET", "cadets", rng.choice(cast.staff), params)


def _filter(rng: Random, cast: Cast, _: int) -> Request:
    params = rng.choice(({"company": rng.choice(COMPANIES)}, {"course": rng.choice(COURSES)}))
    return Request("GET", "cadets", rng.choice(cast.staff), params)


def _search(rng: Random, cast: Cast, _: int) -> Request:
    return Request("GET", "cadets", rng.choice(cast.staff), {"search": rng.choice(SEARCHES)})


def _detail(rng: Random, cast: Cast, _: int) -> Request:
    return Request("GET", f"cadets/{readable_cadet(rng)}", rng.choice(cast.staff))


def _own(rng: Random, cast: Cast, _: int) -> Request:
    client = rng.choice(cast.cadets)
    return Request("GET", rng.choice(("cadets/me", f"cadets/{client.cadet_id}")), client)


def _get(path: str, who: str, params: dict[str, str] | None = None) -> Callable[[Random, Cast, int], Request]:
    return lambda rng, cast, _: Request("GET", path, rng.choice(getattr(cast, who)), params or {})


def _audit_logs(rng: Random, cast: Cast, _: int) -> Request:
    params = {"page": str(rng.randint(1, 20)), "table_name": rng.choice(("merit_demerit_logs", "cadets"))}
    return Request("GET", "system/audit-logs", rng.choice(cast.admins), params)


def _login(rng: Random, _: Cast, __: int) -> Request:
    username, password = credentials(rng)
    if rng.random() < 0.1:
        return Request("POST", LOGIN_PATH, body={"username": username, "password": "wrong"}, expected=frozenset({401}))
    return Request("POST", LOGIN_PATH, body={"username": username, "password": password})


def _bad_input(rng: Random, cast: Cast, _: int) -> Request:
    staff, cadet = rng.choice(cast.staff), rng.choice(cast.cadets)
    # Where the legacy answers 500 with database text, the new side has a proper 400: both are right.
    return rng.choice((
        Request("GET", "cadets/abc", staff, expected=frozenset({400, 500})),
        Request("GET", "cadets", staff, {"page": "0"}, expected=frozenset({400, 500})),
        Request("GET", "cadets/999999", staff, expected=frozenset({404})),
        Request("GET", "cadets", cadet, expected=frozenset({403})),
        Request("GET", "auth/me", expected=frozenset({401})),
        Request("GET", "no/such/thing", staff, expected=frozenset({404})),
        Request("POST", "cadets", staff, body={"first_name": "Nobody"}, expected=frozenset({400})),
    ))  # fmt: skip


def _heartbeat(rng: Random, cast: Cast, _: int) -> Request:
    return Request("POST", "auth/heartbeat", rng.choice(cast.everyone))


def _put_settings(rng: Random, cast: Cast, number: int) -> Request:
    client, colour = rng.choice(cast.writers), f"#{number:06x}"
    body = {"primaryColor": colour, "darkMode": rng.random() < 0.5}
    return Request("PUT", "auth/settings", client, body=body, target=f"user_settings/{client.user_id}", value=colour)


def _patch_cadet(rng: Random, cast: Cast, number: int) -> Request:
    owner = rng.choice(cast.writers)
    client = owner if rng.random() < 0.3 else rng.choice(cast.staff)
    value = f"Block {number}, Brgy. Santo Niño"
    return Request("PATCH", f"cadets/{owner.cadet_id}", client, body={"address": value},
                   target=f"cadets/{owner.cadet_id}", value=value)  # fmt: skip


OPERATIONS = (
    Operation("cadets list", 20, _list),
    Operation("cadets filter", 8, _filter),
    Operation("cadets search", 8, _search),
    Operation("cadet", 22, _detail),
    Operation("own cadet", 8, _own),
    Operation("me", 8, _get("auth/me", "everyone")),
    Operation("own settings", 3, _get("auth/settings", "everyone")),
    Operation("system settings", 3, _get("system/settings", "everyone")),
    Operation("stats", 2, _get("system/stats", "staff")),
    Operation("audit logs", 2, _audit_logs),
    Operation(LOGIN, 2, _login),
    Operation("bad input", 1, _bad_input),
    Operation("heartbeat", 6, _heartbeat),
    Operation("settings write", 3, _put_settings),
    Operation("cadet write", 4, _patch_cadet),
)
