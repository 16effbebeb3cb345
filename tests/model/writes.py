"""Writes in the model: lanes, admission, what lands, and what is known of it."""

from __future__ import annotations

from typing import Any

from tests.model.sides import CELLS, UNDECIDED, Entry, Lost, Sending, Side, touched, truly_conflict


class Writes:
    """What an edge and its backend do. `broken(name)` is asked where the code would go wrong."""

    def __init__(self, mutant: str | None = None, active: str = "old") -> None:
        self.mutant = mutant
        self.sides = {"old": Side("old", ids=False), "new": Side("new", ids=True)}
        self.active, self.epoch, self.term, self.stale = active, 1, 1, False
        self.journal: list[Entry] = []
        self.started = self.completed = self.progress = 0
        self.sending: list[Sending] = []
        self.acked: list[Entry] = []
        self.wrong: list[str] = []  # what must never be seen, noted in the moment in which it is seen

    def broken(self, name: str) -> bool:
        return self.mutant == name

    @property
    def standby(self) -> str:
        return "new" if self.active == "old" else "old"

    # ---- lanes

    def conflict(self, one: tuple[str, ...], other: tuple[str, ...]) -> bool:
        if self.broken("children_ignored"):
            return bool(set(one) & set(other))
        return truly_conflict(one, other)

    def blocked(self, lanes: tuple[str, ...]) -> bool:
        """Whether a new write must not be admitted now."""
        for entry in self.journal:
            if not self.conflict(entry.lanes, lanes):
                continue
            if entry.state == "intent" and not self.broken("lanes_not_claimed"):
                return True
            if entry.state == "parked" and entry.target == self.active and not self.broken("parked_lane_open"):
                return True
        return False

    # ---- a write

    def admit(self, lanes: tuple[str, ...], *, epoch: int, origin: str, **traits: Any) -> Entry:
        if epoch != self.epoch and not self.broken("stale_epoch_accepted"):
            raise Lost
        if self.blocked(lanes):
            raise Lost
        if any(e.state == "intent" and truly_conflict(e.lanes, lanes) for e in self.journal):
            self.wrong.append("two writes were admitted at a time that share a lane")
        self.started += 1
        target = "new" if origin == "old" else "old"
        entry = Entry(self.started, lanes, epoch, origin, target, self.completed, **traits)
        if not self.broken("forward_first"):
            self.journal.append(entry)
        return entry

    def land(self, entry: Entry) -> bool:
        """The request reaches the backend that it was forwarded to."""
        side = self.sides[entry.origin]
        if side.ids and entry.op in side.tombstones:
            return False
        if entry.landed and not (self.broken("no_dedup") and side.ids):
            return True
        entry.landed = True
        if entry.leans:
            others = [c for c in CELLS if c not in touched(entry.lanes) and side.cells[c]]
            entry.needs = side.cells[others[0]][-1] if others else None
        if entry.create:
            entry.serial = self._draw(side, entry.op)
        for cell in touched(entry.lanes):
            side.cells[cell].append(entry.op)
        return True

    def _draw(self, side: Side, op: int) -> int:
        serial = side.sequence
        side.sequence += 1
        if serial in side.serials.values():
            self.wrong.append(f"serial {serial} is taken on {side.name}")
        side.serials[op] = serial
        return serial

    def outcome(self, entry: Entry, state: str) -> bool:
        """Make an outcome durable. False: the entry was decided by somebody else in the meantime."""
        if self.broken("forward_first") and entry not in self.journal:
            self.journal.append(entry)
        if entry.state not in UNDECIDED:
            return False
        if state == "done" and entry.state == "unknown" and self._overlapped(entry):
            return True  # it has landed, but nobody knows in which order: only heal can settle it
        if state == "unknown" and self.broken("intent_is_fail"):
            state = "failed"
        if state == "unknown" and self.broken("intent_is_done"):
            state = "done"
        entry.state = state
        if state in ("done", "failed"):
            self.completed += 1
            entry.completion, entry.horizon = self.completed, self.started
        return True

    def _overlapped(self, entry: Entry) -> bool:
        if self.broken("overlap_replayed"):
            return False
        return any(later.op > entry.op and self.conflict(later.lanes, entry.lanes) for later in self.journal)

    def acknowledge(self, entry: Entry) -> None:
        self.acked.append(entry)

    # ---- an unknown outcome

    def resolve(self, entry: Entry) -> None:
        """Ask a backend with ids; on another one only heal helps."""
        side = self.sides[entry.origin]
        if not side.ids or entry.origin != self.active:
            raise Lost
        if not entry.landed and not self.broken("probe_early"):
            side.tombstones.add(entry.op)
        self.outcome(entry, "done" if entry.landed else "failed")
