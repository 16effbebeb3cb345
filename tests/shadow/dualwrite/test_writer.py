"""The writer, over real sockets and inside its edge: groups, turns in busy lanes, and what goes away and comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from shadow.answer import Answer
from shadow.dualwrite import writer
from shadow.dualwrite.admission import Admission, Admitted, Noted, Refused, Repeated, Why
from shadow.dualwrite.client import JournalClient, Link
from shadow.dualwrite.dialled import over_socket
from shadow.dualwrite.entry import Intent, Outcome, State
from shadow.dualwrite.inside import Inside
from shadow.dualwrite.listener import JournalListener
from shadow.dualwrite.session import JournalUnavailable
from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.testing import InMemoryJournal, an_intent, done
from shadow.dualwrite.writer import JournalWriter
from tests.contracts.journals import KEYS, control_row


@dataclass
class ShakyJournal(InMemoryJournal):
    """May be away, be slow, or do what it is told and fail to say so."""

    away: bool = False
    silent_once: bool = False
    seconds: float = 0.0
    sizes: tuple[int, ...] = ()

    async def append(self, intents: Sequence[Intent], now: float) -> list[Admission]:
        if self.away:
            raise JournalUnavailable("away")
        await asyncio.sleep(self.seconds)
        self.sizes += (len(intents),)
        answers = await super().append(intents, now)
        self._say()
        return answers

    async def outcomes(self, outcomes: Sequence[Outcome]) -> list[Noted]:
        if self.away:
            raise JournalUnavailable("away")
        noted = await super().outcomes(outcomes)
        self._say()
        return noted

    def _say(self) -> None:
        if self.silent_once:
            self.silent_once = False
            raise JournalUnavailable("the commit was made and its answer was lost")


@pytest.fixture
def journal() -> ShakyJournal:
    return ShakyJournal()


class Beside:
    """A writer that listens for its edges."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "writer"

    @asynccontextmanager
    async def running(self, journal: InMemoryJournal | ReplayJournal) -> AsyncIterator[JournalWriter]:
        writer = JournalWriter(journal)
        listener = JournalListener(self._path, writer)
        async with ended(writer, listener.run()):
            await asyncio.wait_for(listener.ready.wait(), 5)
            yield writer

    async def dial(self, client: JournalClient) -> Link:
        return await over_socket(self._path)(client)


class WithIn:
    """A writer in the process of its edges."""

    def __init__(self, directory: Path) -> None:
        self._writer: JournalWriter | None = None

    @asynccontextmanager
    async def running(self, journal: InMemoryJournal | ReplayJournal) -> AsyncIterator[JournalWriter]:
        self._writer = JournalWriter(journal)
        async with ended(self._writer, self._writer.run()):
            yield self._writer
        self._writer = None

    async def dial(self, client: JournalClient) -> Link:
        if self._writer is None:
            raise ConnectionRefusedError
        return Inside(client, self._writer)


Place = Beside | WithIn


@pytest.fixture(params=[Beside, WithIn])
def place(request: pytest.FixtureRequest, open_directory: Path) -> Place:
    made: Place = request.param(open_directory)
    return made


@asynccontextmanager
async def ended(writer: JournalWriter, running: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(running)
    try:
        yield
    finally:
        writer.stop()
        await asyncio.wait_for(task, 5)


@asynccontextmanager
async def an_edge(place: Place) -> AsyncIterator[JournalClient]:
    client = JournalClient(place.dial)
    client.start()
    assert await client.connected_within(5)
    try:
        yield client
    finally:
        await client.stop()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


def soon(seconds: float = 2.0) -> float:
    return time.time() + seconds


async def test_a_write_is_admitted_and_its_outcome_made_durable(place: Place, journal: ShakyJournal) -> None:
    async with place.running(journal), an_edge(place) as edge:
        intent = an_intent(actor='{"id": 3}')
        assert await edge.intent(intent) == Admitted(1, 0)
        assert await edge.outcome(done("i-1", Answer(201, ((b"x", b"\xff"),), b"\0"))) is Noted.NOTED
    (entry,) = await journal.entries([1])
    assert (entry.request, entry.actor, entry.state) == (intent.request, '{"id": 3}', State.DONE)
    assert entry.answer == Answer(201, ((b"x", b"\xff"),), b"\0")


async def test_what_queues_up_while_a_commit_runs_goes_into_the_next(place: Place, journal: ShakyJournal) -> None:
    journal.seconds = 0.05
    async with place.running(journal), an_edge(place) as edge:
        first = asyncio.create_task(edge.intent(an_intent("i-0", "lane/0")))
        await asyncio.sleep(0.02)
        answers = await asyncio.gather(first, *(edge.intent(an_intent(f"i-{n}", f"lane/{n}")) for n in range(1, 40)))
    assert all(isinstance(answer, Admitted) for answer in answers)
    assert journal.sizes == (1, 39)


async def test_a_commit_has_no_more_bytes_than_it_can_bring_in_time(place: Place, journal: ShakyJournal) -> None:
    journal.seconds = 0.05
    async with place.running(journal), an_edge(place) as edge:
        first = asyncio.create_task(edge.intent(an_intent("i-0", "lane/0")))
        await asyncio.sleep(0.02)
        large = replace(an_intent().request, body=bytes(7 << 20))
        asked = [edge.intent(replace(an_intent(f"i-{n}", f"lane/{n}"), request=large)) for n in range(1, 6)]
        answers = await asyncio.gather(first, *asked)
    assert all(isinstance(answer, Admitted) for answer in answers)
    assert journal.sizes[0] == 1 and max(journal.sizes) == 2


async def test_a_busy_lane_is_had_in_turn_over_all_edges(place: Place, journal: ShakyJournal) -> None:
    order: list[str] = []

    async def write(edge: JournalClient, id: str) -> None:
        assert isinstance(await edge.intent(an_intent(id, "a", at=time.time(), wait_until=soon())), Admitted)
        order.append(id)
        await edge.outcome(done(id))

    async with place.running(journal), an_edge(place) as one, an_edge(place) as other:
        await one.intent(an_intent("running", "a"))
        waiting = []
        for n in range(6):
            waiting.append(asyncio.create_task(write((one, other)[n % 2], f"w-{n}")))
            await asyncio.sleep(0.01)
        await one.outcome(done("running"))
        await asyncio.gather(*waiting)
    assert order == [f"w-{n}" for n in range(6)]


async def test_waiting_for_a_lane_is_bounded(place: Place, journal: ShakyJournal) -> None:
    async with place.running(journal), an_edge(place) as edge:
        await edge.intent(an_intent("running", "a"))
        until = soon(0.1)
        assert await edge.intent(an_intent("late", "a", wait_until=until)) == Refused(Why.QUEUED)
        assert time.time() >= until
        await edge.outcome(done("running"))
        assert isinstance(await edge.intent(an_intent("i-3", "a")), Admitted)


async def test_a_fence_holds_writes_and_lets_them_go(place: Place, journal: ShakyJournal) -> None:
    async with place.running(journal), an_edge(place) as edge:
        fence = await journal.fence(9)
        held = asyncio.create_task(edge.intent(an_intent(wait_until=soon())))
        await asyncio.sleep(0.05)
        assert not held.done()
        await journal.lift(fence)
        assert await held == Admitted(1, 0)


async def test_without_a_writer_or_a_journal_a_write_is_refused(place: Place, journal: ShakyJournal) -> None:
    alone = JournalClient(place.dial)
    assert await alone.intent(an_intent()) == Refused(Why.UNAVAILABLE)
    async with place.running(journal), an_edge(place) as edge:
        journal.away = True
        assert await edge.intent(an_intent()) == Refused(Why.UNAVAILABLE)
        journal.away = False
        await asyncio.sleep(0.1)
        assert isinstance(await edge.intent(an_intent("i-2")), Admitted)


async def test_an_intent_whose_commit_is_uncertain_is_closed(place: Place, journal: ShakyJournal) -> None:
    async with place.running(journal), an_edge(place) as edge:
        journal.silent_once = True
        assert await edge.intent(an_intent()) == Refused(Why.UNAVAILABLE)
        await until(lambda: journal.all[1].state is State.FAILED)
        assert isinstance(await edge.intent(an_intent("i-2")), Admitted), "the lane is free again"


async def test_an_outcome_is_told_until_it_is_durable(place: Place, journal: ShakyJournal) -> None:
    async with place.running(journal), an_edge(place) as edge:
        await edge.intent(an_intent())
        journal.away = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await edge.outcome(done("i-1"))
        assert edge.untold == 1
        journal.away, journal.silent_once = False, True
        await until(lambda: edge.untold == 0)
    assert (journal.all[1].state, journal.completion) == (State.DONE, 1)


async def test_an_edge_that_dies_leaves_unknowns_and_no_busy_lanes(place: Place, journal: ShakyJournal) -> None:
    async with place.running(journal), an_edge(place) as other:
        async with an_edge(place) as edge:
            await edge.intent(an_intent("i-1", "a"))
        await until(lambda: journal.all[1].state is State.UNKNOWN)
        assert isinstance(await other.intent(an_intent("i-2", "a", wait_until=soon())), Admitted)


async def test_an_edge_tells_its_outcomes_to_the_next_writer(place: Place, journal: ShakyJournal) -> None:
    async with place.running(journal):
        edge = JournalClient(place.dial)
        edge.start()
        await until(lambda: edge.is_connected)
        await edge.intent(an_intent())
    await until(lambda: not edge.is_connected)
    telling = asyncio.create_task(edge.outcome(done("i-1")))
    async with place.running(journal):
        assert await asyncio.wait_for(telling, 5) is Noted.NOTED
        await edge.stop()
    assert journal.all[1].state is State.DONE


async def test_a_client_that_gives_up_leaves_no_busy_lane(place: Place, journal: ShakyJournal) -> None:
    async with place.running(journal), an_edge(place) as edge:
        await edge.intent(an_intent("running", "a"))
        waiting = asyncio.create_task(edge.intent(an_intent("given up", "a", wait_until=soon())))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.sleep(0.05)
        await edge.outcome(done("running"))
        assert isinstance(await edge.intent(an_intent("next", "a", wait_until=soon(4))), Admitted)


async def test_two_machines_share_the_lanes_of_one_journal(
    open_directory: Path, fresh_database: Callable[[], str]
) -> None:
    url = fresh_database()
    control_row(url)
    inside = {"a": 0, "b": 0}
    most = dict(inside)

    async def write(edge: JournalClient, n: int) -> None:
        lane = "ab"[n % 2]
        intent = an_intent(f"w-{n}", lane, at=time.time(), wait_until=soon(20), client="alice", key=f"k-{n}")
        assert isinstance(await edge.intent(intent), Admitted)
        inside[lane] += 1
        most[lane] = max(most[lane], inside[lane])
        await asyncio.sleep(0.001)
        inside[lane] -= 1
        assert await edge.outcome(done(f"w-{n}")) is Noted.NOTED

    one, other = await ReplayJournal.open(url, KEYS), await ReplayJournal.open(url, KEYS)
    (open_directory / "one").mkdir()
    beside, within = Beside(open_directory / "one"), WithIn(open_directory)
    async with one, other, beside.running(one), within.running(other):
        async with an_edge(beside) as first, an_edge(within) as second:
            await asyncio.gather(*(write((first, second)[n // 2 % 2], n) for n in range(60)))
            again = await first.intent(an_intent("again", "c", client="alice", key="k-7"))
        assert isinstance(again, Repeated)
        entries = await one.entries(range(1, 61))
    assert most == {"a": 1, "b": 1}
    assert all(entry.state is State.DONE for entry in entries)


async def test_bodies_that_wait_for_a_busy_lane_keep_nobody_from_being_heard(
    place: Place, journal: ShakyJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last ones are refused; to read nothing more would also keep the outcome that frees their lane."""
    monkeypatch.setattr(writer, "HELD_AT_MOST", 1 << 20)
    large = replace(an_intent().request, body=bytes(200_000))
    async with place.running(journal), an_edge(place) as edge:
        await edge.intent(an_intent("running", "a"))
        waiting = [
            asyncio.create_task(edge.intent(replace(an_intent(f"i-{n}", "a", wait_until=soon(5)), request=large)))
            for n in range(9)
        ]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1):
            assert isinstance(await edge.intent(an_intent("else", "b")), Admitted)
            await edge.outcome(done("running"))
        await until(lambda: any(isinstance(task.result(), Admitted) for task in waiting if task.done()))
        refused = [task.result() for task in waiting if task.done() and isinstance(task.result(), Refused)]
        assert refused and set(refused) == {Refused(Why.QUEUED)}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
