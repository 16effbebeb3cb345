"""Two backends in memory, one with ids and one without, whose effects are appends that are not idempotent."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson

from shadow.answer import Answer, AskFailed, Reason
from shadow.compare.diff import Limits
from shadow.compare.rules import RuleBook
from shadow.dualwrite.admission import Admitted, Flip, Refused
from shadow.dualwrite.copies import Copy
from shadow.dualwrite.entry import Entry, Intent, Outcome, Request, State
from shadow.dualwrite.lanes import WriteRoute
from shadow.dualwrite.ordering import conflict
from shadow.dualwrite.replay import Pace, Replayer
from shadow.dualwrite.resolve import Patience, Resolver
from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.testing import InMemoryJournal
from shadow.sender import Target
from shadow.settings import Rule
from shadow.testing import TurnedClock

TARGETS = {"old": Target("old", "http://old"), "new": Target("new", "http://new", cooperates=True)}
PLAIN, CREATE, ROWS, BOTH = "POST /plain", "POST /create", "POST /rows", "POST /both"
NAMED = "POST /named"
ROUTES = {
    PLAIN: WriteRoute(),
    CREATE: WriteRoute(sequence="things_id_seq", pins={"ids.things": "id"}),
    ROWS: WriteRoute(carry="rows"),
    BOTH: WriteRoute(carry="both", pins={"ids.things": "id"}),
    NAMED: WriteRoute(lanes=("b/{body.number}",)),
}
BEGIN_WITHIN, LANDS_WITHIN = 15.0, 20.0  # seconds
CELLS = ("a", "b/1", "b/2")


class PassingClock(TurnedClock):
    """Turned by hand, and by a little whenever somebody looks, so that no wait is for ever."""

    def monotonic(self) -> float:
        self.turn(1.0)
        return super().monotonic()


@dataclass
class Side:
    ids: bool
    cells: dict[str, list[int]] = field(default_factory=lambda: {cell: [] for cell in CELLS})
    serials: dict[int, int] = field(default_factory=dict)
    sequence: int = 1
    recorded: dict[str, Answer] = field(default_factory=dict)

    def take(self, id: str, body: bytes, pinned: int | None) -> Answer:
        """The effect and its answer; with ids a repeat gets the recorded one."""
        if self.ids and id in self.recorded:
            return self.recorded[id]
        asked = orjson.loads(body)
        if asked.get("leans") and not any(asked["leans"] in ops for ops in self.cells.values()):
            return Answer(400, (), b"{}")  # what it refers to is not here; refused, and not recorded
        answer = self._effect(asked, pinned)
        if self.ids:
            self.recorded[id] = answer
        return answer

    def _effect(self, asked: dict[str, int], pinned: int | None) -> Answer:
        op = asked["op"]
        for cell in CELLS:
            if conflict([cell], asked["lanes"]):  # type: ignore[arg-type]
                self.cells[cell].append(op)
        if not asked["create"]:
            return Answer(200, (), b"{}")
        pinned = self.sequence if pinned is None else pinned
        self.sequence = max(self.sequence, pinned + 1)
        self.serials[op] = pinned
        return Answer(201, (), orjson.dumps({"id": pinned}))


@dataclass
class Backends:
    """Takes originals and copies. `faults` is what befalls the next copies, one after the other."""

    sides: dict[str, Side] = field(default_factory=lambda: {"old": Side(False), "new": Side(True)})
    faults: deque[str] = field(default_factory=deque)
    refusing: set[int] = field(default_factory=set)  # ops that the standby refuses whatever happens
    silent: bool = False  # to whoever asks what became of an id
    answering: bool = False  # to whoever asks whether it answers at all
    sent: list[tuple[str, str]] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    healed: list[tuple[str, ...]] = field(default_factory=list)  # lanes of every heal
    clock: TurnedClock = field(default_factory=TurnedClock)
    late: deque[tuple[float, Side, Copy]] = field(
        default_factory=deque
    )  # what nobody waits for, but may land until then
    unwilling: deque[Exception] = field(default_factory=deque)  # what the next heals end with

    async def send(self, copy: Copy, target: Target) -> Answer:
        side = self.sides[target.name]
        if copy.purpose == "resolve" and self.silent:
            raise AskFailed(Reason.TIMEOUT)
        if copy.purpose == "resolve":
            return side.recorded.setdefault(copy.id, Answer(410, (), b"{}"))
        self.sent.append((target.name, copy.id))
        self.copies.append(copy)
        fault = self.faults.popleft() if self.faults else "none"
        if fault == "busy":
            return Answer(503, (), b"")
        if fault == "refused once" or orjson.loads(copy.body)["op"] in self.refusing:
            return Answer(400, (), b"{}")
        if fault == "gave up":  # somebody before the backend did: it may still happen
            self.late.append((self.clock.now() + LANDS_WITHIN, side, copy))
            return Answer(504, (), b"")
        if fault == "late" and side.ids:  # of another one the copy is lost: its rows are carried after its deadline
            self.late.append((self.clock.now() + LANDS_WITHIN, side, copy))
        if fault in ("lost", "hangs", "late"):
            return await self._silence(fault)
        answer = side.take(copy.id, copy.body, _pinned(copy))
        return await self._silence(fault) if fault != "none" else answer

    async def _silence(self, fault: str) -> Answer:
        if fault.startswith("hangs"):
            await asyncio.get_running_loop().create_future()
        raise AskFailed(Reason.RESET)

    async def set_sequence(self, target: Target, sequence: str, value: int) -> None:
        assert sequence == "things_id_seq"
        self.sides[target.name].sequence = value
        await asyncio.sleep(0)  # a round trip: others may be served meanwhile

    async def answers(self, target: Target) -> bool:
        return self.answering

    def check(self, lanes: tuple[str, ...]) -> None:
        """Every lane has rows here."""

    async def __call__(self, lanes: tuple[str, ...], source: str, destination: str, within: float) -> None:
        """Copies rows, as `migration` does."""
        self.healed.append(lanes)
        if self.unwilling:
            raise self.unwilling.popleft()
        one, other = self.sides[source], self.sides[destination]
        for cell in CELLS:
            if conflict([cell], lanes):
                other.cells[cell] = list(one.cells[cell])
        present = {op for ops in other.cells.values() for op in ops}
        other.serials = {op: serial for op, serial in (other.serials | one.serials).items() if op in present}
        other.sequence = max([other.sequence, *(serial + 1 for serial in other.serials.values())])


def _pinned(copy: Copy) -> int | None:
    return orjson.loads(copy.pin).get("ids", {}).get("things", [None])[0] if copy.pin else None


class NoTokens:
    def mint(self, actor: object, target: Target, now: float) -> str | None:
        return None


async def quiet(entry: object) -> bool:
    """Nothing that is under way can still land."""
    return True


@dataclass
class Stand:
    """A journal with two backends and whoever replays now."""

    journal: InMemoryJournal | ReplayJournal
    backends: Backends = field(default_factory=Backends)
    clock: TurnedClock = field(default_factory=PassingClock)
    epoch: int = 1
    active: str = "old"
    rules: tuple[Rule, ...] = ()
    ops: int = 0
    leaning: bool = False  # every write refers to the newest effect that it sees
    leans: dict[int, int] = field(default_factory=dict)
    poison: set[int] = field(default_factory=set)  # ops that the standby refused, or does
    pending: dict[int, tuple[str, bytes]] = field(default_factory=dict)  # ops that may still land, and on which side
    told_later: dict[int, Outcome] = field(default_factory=dict)
    leaders: int = 0
    flipped: int = 0
    replayer: Replayer = field(init=False)
    gone: list[Replayer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.backends.clock = self.clock
        self.replayer = self.a_replayer()

    def a_replayer(self) -> Replayer:
        self.leaders += 1
        resolver = Resolver(
            self.journal, self.backends, self.backends, self.quiet, TARGETS, ROUTES, self.clock, Patience(hold=30)
        )
        return Replayer(
            f"replayer {self.leaders}", self.journal, self.backends, resolver, NoTokens(), TARGETS, ROUTES,
            RuleBook(self.rules), Limits.of(2, 10**6), self.clock,
            Pace(
                idle=0.001, gather=0.0, gather_at_most=0.0, resolve_every=0.0, held_within=60.0, behind=20.0,
                care_beside=False, in_turn_within=0.05, begin_within=BEGIN_WITHIN, land_within=LANDS_WITHIN,
            ),
        )  # fmt: skip

    async def write(self, lanes: tuple[str, ...], course: str = "ok", route: str = PLAIN) -> int:
        """A write as an edge does it; its op, or 0 if it was not admitted."""
        op = self.ops + 1
        leans = max((op for ops in self.backends.sides[self.active].cells.values() for op in ops), default=0)
        leans = leans if self.leaning and route != ROWS else 0
        body = orjson.dumps({"op": op, "lanes": lanes, "create": route in (CREATE, BOTH), "leans": leans})
        now = self.clock.now()
        intent = Intent(
            f"id-{op}", self.epoch, now, now + 5, route, lanes, Request("POST", b"/x", b"h", (), body),
            sequence=ROUTES[route].sequence,
        )  # fmt: skip
        (admitted,) = await self.journal.append([intent], now)
        if isinstance(admitted, Refused):
            return 0
        assert isinstance(admitted, Admitted)
        self.ops = op
        self.leans[op] = leans
        if course in ("open", "dies"):
            return op
        side = self.backends.sides[self.active]
        if course in ("open after", "dies after"):
            done = Outcome(intent.id, State.DONE, side.take(intent.id, body, None))
            if course == "open after":
                self.told_later[op] = done
            return op
        if course == "late":
            self.pending[op] = self.active, body
        if course == "4xx":
            side.sequence += route == CREATE
            outcome = Outcome(intent.id, State.FAILED, Answer(400, (), b"{}"))
        elif course in ("never", "late"):
            outcome = Outcome(intent.id, State.UNKNOWN)
        else:
            answer = side.take(intent.id, body, None)
            outcome = {
                "ok": Outcome(intent.id, State.DONE, answer),
                "lost": Outcome(intent.id, State.UNKNOWN),
                "5xx": Outcome(intent.id, State.UNKNOWN, ended=True),
            }[course]
        await self.journal.outcomes([outcome])
        return op

    async def lands(self, told: bool) -> None:
        """The oldest request that was given up for lost takes effect, unless its id was claimed meanwhile."""
        if not self.pending:
            return
        op = min(self.pending)
        side, body = self.pending.pop(op)
        answer = self.backends.sides[side].take(f"id-{op}", body, None)
        if told and answer.status < 300:
            await self.journal.outcomes([Outcome(f"id-{op}", State.DONE, answer)])

    async def copy_lands(self) -> None:
        """The oldest copy that nobody waits for takes effect, if it can: until its deadline, and by its id once."""
        if self.backends.late:
            until, side, copy = self.backends.late.popleft()
            if self.clock.now() < until:
                side.take(copy.id, copy.body, _pinned(copy))

    async def finishes(self) -> None:
        """The edge tells the oldest outcome that it has kept back."""
        if self.told_later:
            await self.journal.outcomes([self.told_later.pop(min(self.told_later))])

    def poisoned(self) -> None:
        """The standby refuses the newest write, for as long as there are faults."""
        self.backends.refusing.add(self.ops)
        self.poison.add(self.ops)

    async def quiet(self, entry: Entry) -> bool:
        """What the database of an unmodified backend tells: whether a request may still land."""
        return entry.number not in self.pending

    @property
    def standby(self) -> str:
        return "new" if self.active == "old" else "old"

    async def finish(self, op: int, lanes: tuple[str, ...]) -> None:
        """The outcome of a write that was left open."""
        body = orjson.dumps({"op": op, "lanes": lanes, "create": False, "leans": 0})
        answer = self.backends.sides[self.active].take(f"id-{op}", body, None)
        await self.journal.outcomes([Outcome(f"id-{op}", State.DONE, answer)])

    async def turns(self, count: int, faults: tuple[str, ...] = (), *, keeps_faults: bool = False) -> None:
        """Rounds of the replayer, a little apart. Faults that have not come by then are over, or still to come."""
        self.backends.faults.extend(faults)
        for _ in range(count):
            await self.replayer.turn()
            self.clock.turn(0.2)
        if not keeps_faults:
            self.backends.faults.clear()

    async def settles(self) -> None:
        """What became of copies is told; heals, which are seen to beside them, may come before anything is sent."""
        await self.replayer._settle_finished()

    async def another_leads(self) -> None:
        """The leader freezes; another one takes over."""
        await self.journal.step_down(f"replayer {self.leaders}", self.replayer.term)
        self.gone.append(self.replayer)
        self.replayer = self.a_replayer()

    async def flips(self) -> None:
        """A planned flip: new writes are held, the standby catches up, the roles are swapped; or it is called off."""
        fence = await self.journal.fence(60)
        await self.turns(4)
        if await self.journal.flip(self.epoch, fence) is not Flip.FLIPPED:
            assert await self.journal.lift(fence)
            return
        assert self.equal(), "at a planned flip both sides are equal (I11)"
        self.epoch, self.active, self.flipped = self.epoch + 1, self.standby, self.flipped + 1

    def equal(self) -> bool:
        """Both sides have the same effects under the same ids."""
        one, other = self.backends.sides.values()
        return one.cells == other.cells and one.serials == other.serials

    async def calm(self) -> None:
        """Faults are gone: time passes until nothing is left to do."""
        self.backends.refusing.clear()
        while self.pending:
            await self.lands(False)
        while self.backends.late:
            await self.copy_lands()
        for _ in range(400):
            if not (entries := await self.journal.open_entries()):
                return
            for entry in entries:
                if entry.state is State.PARKED:  # a person looks after it
                    await self.journal.retry(entry.number)
            await self.turns(1)
            self.clock.turn(20)
        raise AssertionError([(e.number, e.state, e.reason) for e in await self.journal.open_entries()])

    def close(self) -> None:
        """End what hangs."""
        for replayer in [*self.gone, self.replayer]:
            for task in [*replayer._running, *replayer._aside]:
                task.cancel()

    @property
    def today(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)
