"""The half of the journal in memory that writers use, and all that it remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shadow.dualwrite.admission import (
    Admission,
    Admitted,
    Noted,
    Refused,
    Repeated,
    Why,
)
from shadow.dualwrite.entry import OPEN, UNDECIDED, Entry, Intent, Outcome, State, moved
from shadow.dualwrite.ordering import conflict, minimal, overtaken


@dataclass
class Roles:
    """The control row as the journal sees it."""

    epoch: int = 1
    active: str = "old"
    standby: str = "new"
    fence: object | None = None

    def flip(self) -> None:
        self.epoch, self.active, self.standby = self.epoch + 1, self.standby, self.active


@dataclass
class _Sent:
    term: int
    deadline: float
    sequence: str | None
    ahead: bool = False  # of its turn: it is sent after what it waits for
    lost: bool = False


@dataclass
class InMemoryWrites:
    """What writers ask of a journal. See `admission.Appends`."""

    roles: Roles = field(default_factory=Roles)
    all: dict[int, Entry] = field(default_factory=dict)
    intents: dict[int, Intent] = field(default_factory=dict)
    sending: dict[int, _Sent] = field(default_factory=dict)
    waiting: dict[str, tuple[tuple[str, ...], float]] = field(default_factory=dict)
    holds: dict[str, set[str]] = field(default_factory=dict)
    retry_at: dict[int, float] = field(default_factory=dict)
    completion: int = 0
    term: int = 0
    holder: str = ""
    writer: int = 0  # its presence
    present: set[int] = field(default_factory=set)
    admitted_by: dict[int, int] = field(default_factory=dict)

    async def commit(
        self, outcomes: Sequence[Outcome], intents: Sequence[Intent], now: float
    ) -> tuple[list[Noted], list[Admission]]:
        return (await self.outcomes(outcomes) if outcomes else []), (await self.append(intents, now) if intents else [])

    async def stay(self) -> None:
        pass

    async def append(self, intents: Sequence[Intent], now: float) -> list[Admission]:
        return [self._admit(replace(intent, lanes=minimal(intent.lanes)), now) for intent in intents]

    def _admit(self, intent: Intent, now: float) -> Admission:
        same = next((e for e in self.all.values() if e.id == intent.id), None)
        if same is not None:
            return Admitted(same.number, same.after)
        before = self._repeat(intent) if intent.key and intent.client else None
        why = self._refusal(intent, now) if before is None else None
        if before is not None:
            return before
        if why is not None:
            if why is Why.QUEUED and intent.wait_until > now:
                self.waiting.setdefault(intent.id, (intent.lanes, intent.wait_until))
            return Refused(why, self.roles.epoch)
        self.waiting.pop(intent.id, None)
        number, roles = len(self.all) + 1, self.roles
        self.intents[number], self.admitted_by[number] = intent, self.writer
        self.all[number] = Entry(
            number, intent.id, roles.epoch, roles.active, roles.standby, intent.route, intent.lanes, intent.at,
            intent.forward_by, self.completion, State.INTENT, sequence=intent.sequence, client=intent.client,
            actor=intent.actor, request=intent.request,
        )  # fmt: skip
        return Admitted(number, self.completion)

    def _repeat(self, intent: Intent) -> Admission | None:
        for number, known in self.intents.items():
            entry = self.all[number]
            never = entry.state is State.FAILED and entry.answer is None
            if (known.client, known.key) != (intent.client, intent.key) or entry.state is State.ABANDONED or never:
                continue
            if known.fingerprint != intent.fingerprint:
                return Refused(Why.KEY_REUSED, self.roles.epoch)
            if entry.state in UNDECIDED or entry.answer is None:
                return Refused(Why.KEY_RUNNING, self.roles.epoch)
            return Repeated(number, entry.answer)
        return None

    def _refusal(self, intent: Intent, now: float) -> Why | None:
        if intent.epoch != self.roles.epoch:
            return Why.STALE_EPOCH
        if self.roles.fence is not None:
            return Why.FENCED
        in_lanes = [entry for entry in self.all.values() if conflict(entry.lanes, intent.lanes)]
        if any(entry.state is State.PARKED and entry.target == self.roles.active for entry in in_lanes):
            return Why.PARKED
        busy = any(entry.state is State.INTENT for entry in in_lanes) or conflict(intent.lanes, self._held())
        return Why.QUEUED if busy or self._others_wait(intent, now) else None

    def _others_wait(self, intent: Intent, now: float) -> bool:
        for id, (lanes, until) in self.waiting.items():
            if id == intent.id:
                return False  # those after it came later
            if until > now and conflict(lanes, intent.lanes):
                return True
        return False

    def _held(self) -> list[str]:
        return [lane for lanes in self.holds.values() for lane in lanes]

    async def outcomes(self, outcomes: Sequence[Outcome]) -> list[Noted]:
        return [self._note(outcome) for outcome in outcomes]

    def _note(self, outcome: Outcome) -> Noted:
        entry = next((e for e in self.all.values() if e.id == outcome.id), None)
        if entry is None:
            return Noted.MISSING
        if entry.state not in UNDECIDED:
            return Noted.ABANDONED if entry.state is State.ABANDONED else Noted.NOTED
        if outcome.state is State.UNKNOWN:
            self._change(entry, state=State.UNKNOWN, ended=entry.ended or outcome.ended, reason=outcome.reason)
            return Noted.NOTED
        late = outcome.state is State.DONE and entry.state is State.UNKNOWN
        if late and overtaken(entry, (e for e in self.all.values() if e.state in OPEN)):
            self._change(entry, ended=True, answer=outcome.answer, reason="it landed, but was overtaken in its lanes")
            return Noted.OVERTAKEN
        self.completion += 1
        self._change(
            entry, state=moved(entry.state, outcome.state), completion=self.completion, horizon=len(self.all),
            ended=True, answer=outcome.answer, reason=outcome.reason,
        )  # fmt: skip
        return Noted.NOTED

    async def forget_waiting(self, ids: Sequence[str], now: float) -> None:
        self.waiting = {id: kept for id, kept in self.waiting.items() if id not in ids and kept[1] >= now}

    async def tail(self) -> Mapping[str, int]:
        return {e.client: e.number for e in self.all.values() if e.client is not None and e.state in OPEN}

    def _change(self, entry: Entry, **changes: object) -> None:
        self.all[entry.number] = replace(self.all[entry.number], **changes)  # type: ignore[arg-type]
