"""Reads of everybody and everything: first each once, then for ever by chance. All of it follows from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from urllib.parse import quote

from stack.cast import Cast, Client
from stack.operations import ADMIN, ANYBODY, CADET, INSTRUCTOR, OPERATIONS
from stack.request import JSON, Content, Request
from stack.sample.population import KNOWN_LOGINS
from tests.parity.shapes import SHAPES, Shape

ROLES = (ADMIN, INSTRUCTOR, CADET, ANYBODY)
PREFIX = "/api/v1/"
LOGIN = "POST auth/login"
BY_CHANCE = 0.6  # how often a parameter is left out


def who(cast: Cast, role: str, rng: Random) -> Client | None:
    """Somebody of this role; nobody is one, too."""
    if role == ANYBODY:
        return None
    people = cast.of_role(role)
    # The first cadet is known by name, and has something of everything.
    return people[0] if role == CADET and rng.random() < 0.5 else rng.choice(people)


def every(cast: Cast, rng: Random) -> Iterator[Request]:
    """Each read by each role; each value of each of its parameters by one who may ask; and each way to be unknown."""
    for name, shape in SHAPES.items():
        plain = {key: values[0] for key, values in shape.ids.items()}
        yield from (_request(name, plain, {}, who(cast, role, rng)) for role in ROLES)
        yield from _varied(name, shape, plain, cast, rng)
    yield from _strange(cast)
    yield from logins()


def _varied(name: str, shape: Shape, plain: dict[str, str], cast: Cast, rng: Random) -> Iterator[Request]:
    roles = OPERATIONS[name].roles
    for key, values in shape.ids.items():
        for value in values:
            yield _request(name, {**plain, key: value}, {}, who(cast, rng.choice(roles), rng))
    for key, values in shape.query.items():
        for value in values:
            yield _request(name, plain, {key: value}, who(cast, rng.choice(roles), rng))


def endless(cast: Cast, rng: Random) -> Iterator[Request]:
    """One read after the other, with any parameters, mostly by somebody who may."""
    names = list(SHAPES)
    while True:
        name = rng.choice(names)
        shape = SHAPES[name]
        roles = OPERATIONS[name].roles if rng.random() < 0.85 else ROLES
        ids = {key: values[0] if rng.random() < 0.2 else rng.choice(values) for key, values in shape.ids.items()}
        query = {key: rng.choice(values) for key, values in shape.query.items() if rng.random() > BY_CHANCE}
        if query.get("limit") == "0":
            # Nothing times a bad page is nothing: by accident, no row is no bad offset in the legacy.
            query.pop("page", None)
        yield _request(name, ids, query, who(cast, rng.choice(roles), rng))


def _request(name: str, ids: dict[str, str], query: dict[str, str], client: Client | None) -> Request:
    path = OPERATIONS[name].template.format(**ids)
    written = "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items())
    return Request("GET", f"{path}?{written}" if written else path, client, operation=name)


def _strange(cast: Cast) -> Iterator[Request]:
    """Requests that no list of parameters brings: unknown tokens and paths, other spellings, other methods."""
    admin, cadet = cast.admins[0], cast.cadets[0]
    me = Request("GET", "auth/me", operation="GET auth/me")
    for token in ("no.token.at-all", cast.expired(admin), admin.token[:-3], f"{admin.token}x", "x"):
        yield replace(me, token=token)
    for path in ("no/such/thing", "cadets/1/nothing", "", "auth"):
        yield Request("GET", path, admin, operation=f"GET {path}")
        yield Request("GET", path, operation=f"GET {path}")
    yield Request("GET", "/nowhere", operation="GET /nowhere")
    for path in ("CADETS/1", "cadets/1/", "Auth/Me", "cadets/?limit=2", "cadets/%31"):
        yield Request("GET", path, admin, operation=f"GET {path}")
    for path in ("cadets", "cadets/me", "grading/grades", "system/settings"):
        yield Request("HEAD", path, cadet if path == "cadets/me" else admin, operation=f"HEAD {path}")
    yield from (Request("GET", f"cadets/{one.cadet_id}", cadet, operation="GET cadets/{id}") for one in cast.cadets[:3])


def logins() -> Iterator[Request]:
    """Names and passwords, right and wrong: the only requests with a body that are mirrored."""
    bodies: list[object] = [{"username": login.username, "password": login.password} for login in KNOWN_LOGINS]
    bodies += [{"username": f"20{year}-00001", "password": "Tanglaw2024!"} for year in range(20, 25)]
    bodies += [{"username": "admin", "password": "wrong"}, {"username": "ADMIN", "password": "Parade-Ground-1"}]
    bodies += [{"username": "nobody at all", "password": "x"}, {"username": "admin"}, {"password": "x"}, {}, []]
    bodies += [
        {"username": 1, "password": "x"},
        {"username": "admin", "password": ["x"]},
        {"username": "", "password": ""},
    ]
    bodies += [{"username": "odd-host", "password": "Left-Face-Right"}, {"username": "cadet", "password": "x" * 200}]
    yield from (Request("POST", "auth/login", body=body, operation=LOGIN) for body in bodies)
    for text in (b"{", b'"text"', b"", b"null", b"{'single': 1}", b"\xff\xfe"):
        yield Request("POST", "auth/login", content=Content(JSON, text), operation=LOGIN)
