"""What is done on both sides: every errand of the load for every role, and what the load leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from stack.cast import Cast
from stack.operations import ADMIN, ANYBODY, INSTRUCTOR, OPERATIONS, USER, operation_of
from stack.request import JSON, Content, Request, Upload, form
from stack.sample.population import dice
from stack.whole import everybody, staff
from stack.whole.actor import CREATED, NOBODY, Actor, Journey
from stack.whole.bad import MISTAKES
from stack.whole.errands import ERRANDS
from tests.parity.twins import Until

WRITES = [operation for operation in OPERATIONS.values() if operation.method not in ("GET", "WS")]
# Their jobs and file names are each backend's own: here they have a form of their own.
OTHERWISE = {staff.report, everybody.files}
# Neither backend looks for a body here; but Node's parser reads any that says it is JSON, and fails on one that is not.
BODILESS = {"POST auth/logout", "POST auth/heartbeat", "PUT messaging/notifications/read-all",
            "PUT messaging/notifications/{id}/read"}  # fmt: skip
READ = {operation.name for operation in WRITES if operation.method == "POST"} - {"POST messaging/push/unsubscribe"}
KNOWN = {"name": "no such column", "unknown": 1}


@dataclass(frozen=True)
class Errand:
    """An errand by somebody, to be made once for each side."""

    name: str
    role: str
    walk: Any
    seed: str

    def of(self, cast: Cast) -> Journey:
        """The same errand for whoever asks."""
        rng = Random(self.seed)
        client = rng.choice(cast.of_role(self.role))
        journey: Journey = self.walk(Actor(client, cast, rng, f"P{self.seed}"))
        return journey


def errands(seed: int) -> Iterator[Errand]:
    """Each once for each of its roles, in an order by chance."""
    own = [(report, (ADMIN, INSTRUCTOR)), (files, USER), (downloads, (ADMIN,)), (again, (ADMIN,)), (uploads, (ADMIN,))]
    known = [(errand.walk, errand.roles) for errand in ERRANDS if errand.walk not in OTHERWISE]
    pairs = [(walk, role) for walk, roles in [*known, *own] for role in roles]
    Random(seed).shuffle(pairs)
    for number, (walk, role) in enumerate(pairs):
        yield Errand(f"{walk.__name__} of {role}", role, walk, f"{seed}-{number}")


def report(me: Actor) -> Journey:
    """Reports of every type and company as a spreadsheet, one of no type, and the file that each becomes."""
    kind, company = me.rng.choice(("grades", "attendance", "merits")), me.rng.choice(("Alpha", "HQ", None))
    for type_, state in ((kind, "completed"), ("nonsense", "failed")):
        body = {"type": type_, "params": {"format": "csv", "company": company}}
        asked = yield me.ask("POST reports", body=body, expected=frozenset({202}))
        made = yield Until(me.ask("GET reports/{id}", id=asked["id"]), lambda found: found["status"] != "pending")  # type: ignore[misc]
        assert made["status"] == state, made
        yield me.ask("GET reports/{id}/download", id=asked["id"])


def downloads(me: Actor) -> Journey:
    """The reports of the sample: pending ones, failed ones, and those whose file has each form of a URL."""
    for number in range(1, 21):
        id = UUID(int=dice("reports", number).getrandbits(128), version=4)
        yield me.ask("GET reports/{id}", id=id)
        yield me.ask("GET reports/{id}/download", id=id)
    yield me.ask("GET reports/{id}", id="abc")


def uploads(me: Actor) -> Journey:
    """Bytes out of the directory that both share, and names that are not in it."""
    for name in ("parity.txt", "nothing.txt", "..", "../faults.json", ""):
        yield me.ask("GET /uploads/{name}", name=name, anonymous=True)


def files(me: Actor) -> Journey:
    """Files with every kind of metadata and of name, found again, and removed."""
    for name, metadata in (("a.txt", '{"pages": 3, "tags": ["a", null]}'), ("b b.txt", "null"), ("c.txt", "{}")):
        content = form({"metadata": metadata}, [("file", Upload(name, b"parity", "text/plain"))])
        made = yield me.ask("POST files/upload", content=content, expected=CREATED)
        yield me.ask("GET files/{id}", id=made["id"])
        yield me.ask("GET files", query={"limit": "2"})
        yield me.ask("DELETE files/{id}", id=made["id"])
        yield me.ask("GET files/{id}", id=made["id"])
    large = form({}, [("file", Upload("film.mp4", bytes(10 * 1024 * 1024 + 1), "video/mp4"))])
    yield me.ask("POST files/upload", content=large)
    embedded = form({"embed": "true"}, [("file", Upload("d.txt", b"parity", "text/plain"))])
    made = yield me.ask("POST files/upload", content=embedded, expected=CREATED)
    yield me.ask("DELETE files/{id}", id=made["id"])
    spanish = form({}, [("file", Upload("Año.txt", b"parity", "text/plain"))])
    made = yield me.ask("POST files/upload", content=spanish, expected=CREATED)
    yield me.ask("DELETE files/{id}", id=made["id"])


def again(me: Actor) -> Journey:
    """What must be unique, twice; and what others refer to, removed."""
    cadet = {"first_name": "Twice", "last_name": me.tag, "student_id": f"T-{me.tag}"}
    yield me.ask("POST cadets", body=cadet)
    yield me.ask("POST cadets", body=cadet)
    yield me.ask("POST grading/categories", body={"name": "Attendance", "weight": 1})
    yield me.ask("DELETE grading/categories/{id}", id=3)
    grade = {"cadetId": 1, "categoryId": 3, "term": "final", "score": 1}
    yield me.ask("POST grading/grades", body=grade)
    yield me.ask("PUT auth/password", body={"currentPassword": "wrong", "newPassword": "123456"})
    for body in (
        {"currentPassword": "Parade-Ground-1", "newPassword": "12345"},
        {"currentPassword": "Parade-Ground-1"},
    ):
        yield me.ask("PUT auth/password", by=me.cast.person(1), body=body)


def mistakes(cast: Cast) -> Iterator[Request]:
    """Bad input of every kind for every write; nothing of it changes a row."""
    me = Actor(cast.admins[0], cast, Random(1), "mistakes")
    yield from (make(me) for make in MISTAKES)
    for operation in WRITES:
        ids = {name: NOBODY for name in ("id", "cadet_id", "room") if f"{{{name}}}" in operation.template}
        by = [cast.of_role(role)[0] for role in USER if role not in operation.roles]
        if ANYBODY not in operation.roles:
            yield me.ask(operation.name, anonymous=True, body={}, **ids)
            yield me.ask(operation.name, token="no.token.at-all", body={}, **ids)
        yield from (me.ask(operation.name, by=one, body={}, **ids) for one in by)
        yield from _wrong(me, operation.name, ids)


def _wrong(me: Actor, name: str, ids: dict[str, int]) -> Iterator[Request]:
    for body in ({}, [], KNOWN):
        yield me.ask(name, body=body, **ids)
    takes_body = name not in BODILESS and not name.startswith("DELETE")
    for text in (b"{", b"", b"null", b'"text"', b"\xff\xfe") if takes_body else ():
        yield me.ask(name, content=Content(JSON, text), **ids)
    # There is no rule on purpose for a 415 where the legacy does something: it would hide one to good JSON, too.
    if (takes_body and name in READ) or name == "PUT auth/password":
        yield me.ask(name, content=Content("text/plain", b'{"name": 1}'), **ids)
        yield me.ask(name, content=form({"note": "no file"}), **ids)
    for id in ("abc", "99999999999999999999", "-1") if "id" in ids else ():
        yield me.ask(name, body={}, **{**ids, "id": id})


def unserved() -> Iterator[Request]:
    """Methods that a path does not serve."""
    paths = {operation.template.format(id=1, cadet_id=1, room="general") for operation in WRITES}
    for path in sorted(paths):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            if operation_of(method, f"/api/v1/{path}") not in OPERATIONS:
                yield Request(method, path, operation=f"{method} {path}", body={})
