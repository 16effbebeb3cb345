"""A write is stored, forwarded, stored again with what became of it, and only then answered (design.md section 4)."""

from __future__ import annotations

import asyncio
import base64
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from structlog.typing import EventDict

from proxy.edge import body as body_module
from proxy.state import Phase
from shadow.dualwrite.admission import Admission, Noted
from shadow.dualwrite.entry import Entry, Intent, Outcome, State
from shadow.dualwrite.places import READ_AT_MOST
from shadow.dualwrite.session import JournalUnavailable
from shadow.dualwrite.testing import InMemoryJournal, Roles
from tests.proxy.edge.conftest import StageWith
from tests.support.edge import RESTING, SHADOWING, Stage, ramping
from tests.support.waiting import eventually_true
from tests.support.wire import OK, Script, Visit, always, hang

MADE = b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"id":7}'
ROUTES = [
    {"match": "POST /cadets", "lanes": ["cadets"]},
    {"match": "PUT /cadets/{id}", "lanes": ["cadets/{id:int}"], "refuses_with_500": ["node"]},
]


def journal() -> InMemoryJournal:
    return InMemoryJournal(Roles(active="node", standby="django"))


def token(**claims: object) -> bytes:
    """A bearer token as a header line; nobody checks its signature here."""
    part = base64.urlsafe_b64encode(orjson.dumps(claims)).rstrip(b"=")
    return b"Authorization: Bearer e30.%b.sig\r\n" % part


def write(
    method: bytes = b"POST", target: bytes = b"/cadets", body: bytes = b'{"name":"A"}', fields: bytes = b""
) -> bytes:
    head = b"%b %b HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n"
    return head % (method, target, fields, len(body)) + body


def the_entry(stage: Stage) -> Entry:
    """The only entry of the journal."""
    assert stage.journal is not None
    (entry,) = stage.journal.all.values()
    return entry


async def staged(
    stage_with: StageWith, script: Script | None = None, both: dict[str, object] | None = None, **settings: object
) -> Stage:
    both = {"refusals": ["violates"], **(both or {})}
    stage = await stage_with(entries=journal(), routes=ROUTES, both=both, **settings)
    stage.active.script = script or always(MADE)
    return stage


async def test_a_write_is_kept_whole_with_its_answer(stage_with: StageWith) -> None:
    stage = await staged(stage_with)
    answer = await stage.ask(write(fields=token(id=5, role="admin")))
    assert (answer.status, answer.body) == (201, b'{"id":7}')
    entry = the_entry(stage)
    assert (entry.state, entry.lanes, entry.client, entry.route) == (State.DONE, ("cadets",), "id:5", "POST /cadets")
    assert entry.request is not None
    assert (entry.request.method, entry.request.target, entry.request.body) == ("POST", b"/cadets", b'{"name":"A"}')
    assert entry.answer is not None
    assert (entry.answer.status, entry.answer.body) == (201, b'{"id":7}')
    assert orjson.loads(entry.actor or "") == {"id": 5, "role": "admin"}
    assert not stage.standby.requests


async def test_nothing_is_forwarded_before_its_intent_is_durable(stage_with: StageWith) -> None:
    class Slow(InMemoryJournal):
        async def append(self, intents: Sequence[Intent], now: float) -> list[Admission]:
            await free.wait()
            return await super().append(intents, now)

    free = asyncio.Event()
    stage = await stage_with(entries=Slow(Roles(active="node", standby="django")))
    stage.active.script = always(MADE)
    client = await stage.connect()
    await client.send(write())
    await asyncio.sleep(0.05)
    forwarded = list(stage.active.requests)
    free.set()
    assert (await client.answer()).status == 201
    assert not forwarded


async def test_nobody_is_answered_before_the_outcome_is_durable(stage_with: StageWith) -> None:
    class Slow(InMemoryJournal):
        async def outcomes(self, outcomes: Sequence[Outcome]) -> list[Noted]:
            told.set()
            await free.wait()
            return await super().outcomes(outcomes)

    told, free = asyncio.Event(), asyncio.Event()
    stage = await stage_with(entries=Slow(Roles(active="node", standby="django")))
    stage.active.script = always(MADE)
    client = await stage.connect()
    await client.send(write())
    await told.wait()
    asking = asyncio.create_task(client.answer())
    answered, _ = await asyncio.wait({asking}, timeout=0.05)
    free.set()
    assert (await asking).status == 201
    assert not answered
    assert the_entry(stage).state is State.DONE


@pytest.mark.parametrize(
    ("status", "target", "said", "state"),
    [
        (200, b"/cadets/7", b"", State.DONE),
        (302, b"/cadets/7", b"", State.DONE),
        (404, b"/cadets/7", b"", State.FAILED),
        (500, b"/cadets/7", b"it Violates a rule", State.FAILED),
        (500, b"/cadets/7", b"the connection ended", State.UNKNOWN),
        (500, b"/cadets/7", b"", State.UNKNOWN),
        (503, b"/cadets/7", b"it violates a rule", State.UNKNOWN),
        (500, b"/elsewhere", b"it violates a rule", State.UNKNOWN),
    ],
)
async def test_the_status_says_what_became_of_a_write(
    stage_with: StageWith, status: int, target: bytes, said: bytes, state: State
) -> None:
    """A 500 is a refusal only where the route says so, and if it says so itself: a backend whose database dies right
    after the commit answers 500 as well."""
    answering = always(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(said), said))
    stage = await staged(stage_with, answering)
    answer = await stage.ask(write(b"PUT", target))
    assert (answer.status, answer.body) == (status, said)
    entry = the_entry(stage)
    assert (entry.state, entry.ended) == (state, True)


@pytest.mark.parametrize(
    ("body", "encoding", "unreadable"),
    [
        (b"{", b"", True),
        (b"{'a': 1}", b"", True),
        (b"[" * 100_000, b"", True),
        (b"[" * 9000 + b'"' + b'\\"' * 100_000, b"", True),  # nor does it keep anybody waiting
        (b"[" * 9000 + b"}" + b"]" * 8999, b"", True),
        (b"[" * 100_000 + b"]" * 100_000, b"", False),  # Express reads this, and the next three
        (b"[" * 9000 + b'"a]\\"]"' + b"]" * 9000, b"", False),
        (b'{"a": "caf\xe9"}', b"", False),
        (b'{"a": 1%b}' % (b"0" * 5000), b"", False),
        (b"\xff\xfe\xfd", b"", True),
        (b"", b"", False),
        (b"{}", b"", False),
        (b'{"a": "\\ud800"}', b"", False),
        (b"NaN", b"", False),
        (b"{", b"Content-Encoding: gzip\r\n", False),
        (b"{" * (READ_AT_MOST + 1), b"", False),  # to look at it would keep others waiting
    ],
)
async def test_a_body_that_nobody_can_read_takes_nobodys_lane_and_its_500_is_a_refusal(
    stage_with: StageWith, body: bytes, encoding: bytes, unreadable: bool
) -> None:
    stage = await staged(stage_with, always(b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\nno"))
    await stage.ask(write(target=b"/cadets", body=body, fields=encoding))
    entry = the_entry(stage)
    assert (entry.lanes[0].startswith("unreadable/"), entry.state is State.FAILED) == (unreadable, unreadable)


async def test_what_was_never_forwarded_has_failed(stage_with: StageWith) -> None:
    stage = await staged(stage_with)
    stage.active.refuse()
    assert (await stage.ask(write())).status == 502
    assert the_entry(stage).state is State.FAILED


async def test_a_connection_that_breaks_leaves_the_outcome_unknown(stage_with: StageWith) -> None:
    async def resets(visit: Visit) -> None:
        await visit.request()
        visit.reset()

    stage = await staged(stage_with, resets)
    assert (await stage.ask(write())).status == 502
    entry = the_entry(stage)
    assert (entry.state, entry.ended) == (State.UNKNOWN, False)


async def test_a_late_answer_settles_what_its_client_was_told_to_be_unknown(stage_with: StageWith) -> None:
    """The edge reads on for `write_grace` after the 504."""
    free = asyncio.Event()

    async def late(visit: Visit) -> None:
        await visit.request()
        await free.wait()
        await visit.send(MADE)

    stage = await staged(stage_with, late, both={"answer_timeout": 0.2})
    assert (await stage.ask(write())).status == 504
    assert the_entry(stage).state is State.UNKNOWN
    free.set()
    await eventually_true(lambda: the_entry(stage).state is State.DONE)
    answer = the_entry(stage).answer
    assert answer is not None and answer.body == b'{"id":7}'


async def test_a_client_that_leaves_does_not_take_the_outcome_along(stage_with: StageWith) -> None:
    free = asyncio.Event()

    async def slow(visit: Visit) -> None:
        await visit.request()
        await free.wait()
        await visit.send(MADE)

    stage = await staged(stage_with, slow)
    client = await stage.connect()
    await client.send(write())
    await stage.active.seen(1)
    client.reset()
    await asyncio.sleep(0.02)
    free.set()
    await eventually_true(lambda: the_entry(stage).state is State.DONE)


async def test_a_client_that_leaves_the_queue_of_a_lane_is_not_forwarded(stage_with: StageWith) -> None:
    free = asyncio.Event()

    async def slow(visit: Visit) -> None:
        await visit.request()
        await free.wait()
        await visit.send(MADE)

    stage = await staged(stage_with, slow)
    first, second = await stage.connect(), await stage.connect()
    await first.send(write(b"PUT", b"/cadets/7"))
    await stage.active.seen(1)
    await second.send(write(b"PUT", b"/cadets/7"))
    assert stage.journal is not None
    await eventually_true(lambda: bool(stage.journal and stage.journal.waiting))
    second.reset()
    free.set()
    assert (await first.answer()).status == 201
    await eventually_true(lambda: bool(stage.journal and not stage.journal.waiting))
    assert len(stage.active.requests) == 1


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (b"/cadets/7", b"/cadets/8", True),
        (b"/cadets/7", b"/cadets/%37/", False),
        (b"/cadets/7", b"/cadets/007", False),
        (b"/cadets/7", b"/nobody/declared", False),
    ],
)
async def test_writes_that_share_a_lane_go_one_after_the_other(
    stage_with: StageWith, one: bytes, other: bytes, together: bool
) -> None:
    free = asyncio.Event()

    async def slow(visit: Visit) -> None:
        await visit.request()
        await free.wait()
        await visit.send(MADE)

    stage = await staged(stage_with, slow)
    clients = [await stage.connect(), await stage.connect()]
    await clients[0].send(write(b"PUT", one))
    await stage.active.seen(1)
    await clients[1].send(write(b"PUT", other))
    assert stage.journal is not None
    if together:
        await stage.active.seen(2)
    else:
        await eventually_true(lambda: bool(stage.journal and stage.journal.waiting))
        assert len(stage.active.requests) == 1
    free.set()
    assert [(await client.answer()).status for client in clients] == [201, 201]


async def test_a_repeated_key_gets_the_recorded_answer_and_happens_once(stage_with: StageWith) -> None:
    stage = await staged(stage_with)
    asked = write(fields=b"Idempotency-Key: abc\r\n" + token(id=5))
    first, again = await stage.ask(asked), await stage.ask(asked)
    assert (first.status, again.status, again.body) == (201, 201, b'{"id":7}')
    assert (first.get(b"idempotency-replayed"), again.get(b"idempotency-replayed")) == (None, b"true")
    assert len(stage.active.requests) == 1
    other = await stage.ask(write(body=b"{}", fields=b"Idempotency-Key: abc\r\n" + token(id=5)))
    assert (other.status, orjson.loads(other.body)["code"]) == (422, "KEY_REUSED")
    somebody_else = await stage.ask(write(fields=b"Idempotency-Key: abc\r\n" + token(id=6)))
    assert somebody_else.get(b"idempotency-replayed") is None


async def test_a_key_whose_write_was_never_forwarded_may_be_used_again(stage_with: StageWith) -> None:
    stage = await staged(stage_with)
    stage.active.refuse()
    asked = write(fields=b"Idempotency-Key: abc\r\n")
    assert (await stage.ask(asked)).status == 502
    assert (await stage.ask(asked)).status == 502, "and not 409"


@pytest.mark.parametrize("key", [b"", b"a b", b"x" * 256, b"caf\xc3\xa9"])
async def test_a_key_that_cannot_be_one_is_refused(stage_with: StageWith, key: bytes) -> None:
    stage = await staged(stage_with)
    answer = await stage.ask(write(fields=b"Idempotency-Key: %b\r\n" % key))
    assert (answer.status, len(stage.active.requests)) == (400, 0)


async def test_a_backend_that_cooperates_gets_the_entrys_id_as_its_key(stage_with: StageWith) -> None:
    stage = await staged(stage_with, both={"cooperates": True})
    await stage.ask(write(fields=b"Idempotency-Key: mine\r\n"))
    assert (await stage.active.seen(1)).all(b"idempotency-key") == [the_entry(stage).id.encode()]


async def test_a_backend_that_does_not_gets_what_the_client_sent(stage_with: StageWith) -> None:
    stage = await staged(stage_with)
    await stage.ask(write(fields=b"Idempotency-Key: mine\r\n"))
    assert (await stage.active.seen(1)).all(b"idempotency-key") == [b"mine"]


async def test_a_body_in_chunks_is_kept_and_forwarded_byte_for_byte(stage_with: StageWith) -> None:
    stage = await staged(stage_with, journal={"spool": 1000})
    body = bytes(range(256)) * 20
    client = await stage.connect()
    await client.send(b"POST /cadets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
    assert (await client.answer()).status == 100
    for start in range(0, len(body), 700):
        piece = body[start : start + 700]
        await client.send_apart(b"%x\r\n%b\r\n" % (len(piece), piece))
    await client.send(b"0\r\n\r\n")
    assert (await client.answer()).status == 201
    assert (await stage.active.seen(1)).body == body
    request = the_entry(stage).request
    assert request is not None and request.body == body


async def test_a_large_body_stays_on_disk_while_four_others_are_in_memory(
    stage_with: StageWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, arrived, in_memory = asyncio.Event(), [0], [0]
    honest, load = body_module._read, tempfile.SpooledTemporaryFile.read

    async def read(*given: Any) -> int:
        total = await honest(*given)
        arrived[0] += 1
        return total

    def loaded(file: tempfile.SpooledTemporaryFile[bytes], *size: int) -> bytes:
        in_memory[0] += 1
        return load(file, *size)

    async def when_free(visit: Visit) -> None:
        await visit.request()
        await free.wait()
        await visit.send(MADE)

    monkeypatch.setattr(body_module, "_read", read)
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "read", loaded)
    stage = await staged(stage_with, when_free, journal={"spool": 1000})
    clients = [await stage.connect() for _ in range(6)]
    for number, client in enumerate(clients):
        await client.send_apart(b"PUT /cadets/%d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" % number)
        await client.send_apart(b"%x\r\n%b\r\n" % (9000, b"x" * 9000))
    for client in clients:
        await client.send(b"0\r\n\r\n")
    await eventually_true(lambda: arrived == [6] and len(stage.active.requests) == 4)
    assert in_memory == [4]
    free.set()
    assert [(await client.answer()).status for client in clients] == [201] * 6


async def test_a_body_above_the_limit_is_refused_before_anything_is_forwarded(stage_with: StageWith) -> None:
    stage = await staged(stage_with, limits={"body": 1000})
    client = await stage.connect()
    await client.send(b"POST /cadets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    await client.send(b"800\r\n" + b"x" * 0x800 + b"\r\n0\r\n\r\n")
    assert (await client.answer()).status == 413
    assert not stage.active.requests
    assert stage.journal is not None and not stage.journal.all


async def test_an_answer_too_large_to_keep_is_passed_on_whole(stage_with: StageWith) -> None:
    large = b"x" * 500_000
    stage = await staged(
        stage_with, always(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + large), journal={"answer_limit": 1000}
    )
    answer = await stage.ask(write())
    assert (answer.status, answer.body) == (200, large)
    entry = the_entry(stage)
    assert (entry.state, entry.answer) == (State.DONE, None)


async def test_without_the_journal_writes_get_503_and_reads_go_on(stage_with: StageWith) -> None:
    class Gone(InMemoryJournal):
        async def append(self, intents: Sequence[Intent], now: float) -> list[Admission]:
            raise JournalUnavailable("gone")

    stage = await stage_with(entries=Gone(Roles(active="node", standby="django")), state=ramping(100))
    stage.active.script = always(OK)
    answer = await stage.ask(write())
    assert (answer.status, answer.get(b"retry-after"), len(stage.active.requests)) == (503, b"1", 0)
    assert (await stage.get()).status == 200


async def test_a_read_sees_the_clients_own_write_whatever_the_weight(stage_with: StageWith) -> None:
    """I14: nothing of the client's may be pending on the standby that answers it."""
    stage = await stage_with(entries=journal(), state=ramping(100))
    stage.active.script, stage.standby.script = always(MADE), always(OK)
    assert (await stage.get(b"/cadets", token(id=5))).status == 200
    await stage.ask(write(fields=token(id=5)))
    assert (await stage.get(b"/cadets", token(id=5))).status == 201, "answered at home"
    assert (await stage.get(b"/cadets", token(id=6))).status == 200, "somebody else's read"
    assert stage.journal is not None
    entry = the_entry(stage)
    stage.journal.all[entry.number] = replace(entry, state=State.APPLIED)
    assert (await stage.get(b"/cadets", token(id=5))).status == 200


@pytest.mark.parametrize("error", [JournalUnavailable("gone"), LookupError("no such table")])
async def test_a_journal_that_does_not_answer_keeps_reads_at_home(
    stage_with: StageWith, events: list[EventDict], error: Exception
) -> None:
    class Mute(InMemoryJournal):
        async def tail(self) -> dict[str, int]:
            raise error

    stage = await stage_with(entries=Mute(Roles(active="node", standby="django")), state=ramping(100))
    stage.active.script, stage.standby.script = always(MADE), hang
    assert (await stage.get(b"/cadets", token(id=5))).status == 201
    assert (await stage.get(b"/cadets", token(id=5))).status == 201, "and whoever asks is still there"
    homes = [home for event in events if (home := event["event"]) in ("journal_tail_lost", "journal_tail_failed")]
    assert homes


async def test_a_write_that_meets_a_change_of_roles_goes_to_the_new_active_side(stage_with: StageWith) -> None:
    stage = await stage_with(entries=journal())
    stage.active.script, stage.standby.script = hang, always(OK)
    assert stage.journal is not None
    stage.journal.roles.flip()
    client = await stage.connect()
    await client.send(write())
    await asyncio.sleep(0.02)
    stage.feed.follow(replace(SHADOWING, epoch=2, active="django", standby="node"))
    assert (await client.answer()).status == 200
    assert the_entry(stage).origin == "django"
    assert not stage.active.requests


@pytest.mark.parametrize("state", [RESTING, replace(SHADOWING, phase=Phase.COMPLETE)])
async def test_nothing_is_journaled_while_the_standby_gets_no_copies(stage_with: StageWith, state: object) -> None:
    stage = await stage_with(entries=journal(), state=state)  # type: ignore[arg-type]
    stage.active.script = always(MADE)
    assert (await stage.ask(write())).status == 201
    assert stage.journal is not None and not stage.journal.all
