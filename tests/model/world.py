"""The journal's protocol (design.md section 4) as a small world without I/O, and its broken variants.

Effects are appends that are not idempotent, so a loss, a repeat and a change of order are all visible. Two sides: `old`
is an unmodified backend (no ids, a sequence that is set before a replayed create), `new` cooperates (ids, tombstones,
adopted values). A mutant is a name; the code asks `broken(name)` where it would go wrong.
"""

from __future__ import annotations

from tests.model.replay import Replay
from tests.model.sides import CELLS, SETTLED, UNDECIDED, Entry, Lost, Sending, touched, truly_conflict


class World(Replay):
    """Both sides and the journal between them: heals, and changes of roles."""

    # ---- heal

    def closure(self, lanes: tuple[str, ...]) -> tuple[str, ...]:
        """The lanes, closed over entries with several that are not settled."""
        if self.broken("heal_not_closed"):
            return lanes
        found = set(lanes)
        while True:
            more = {
                lane
                for entry in self.journal
                if entry.state not in SETTLED and truly_conflict(entry.lanes, tuple(found))
                for lane in entry.lanes
            }
            if more <= found:
                return tuple(sorted(found))
            found |= more

    def may_heal(self, lanes: tuple[str, ...]) -> bool:
        """Nothing in these lanes is under way, on either side, and nothing can land in them any more."""
        if self.broken("heal_without_hold"):
            return True
        under_way = [e for e in self.journal if e.state == "intent"]
        under_way += [s.entry for s in self.sending if s.term == self.term]
        if not self.broken("zombies_ignored"):
            under_way += [e for side in self.sides.values() for e in side.zombies]
        parked_here = [e for e in self.journal if e.state == "parked" and e.target == self.active]
        return not any(self.conflict(e.lanes, lanes) for e in under_way + parked_here)

    def heal(self, lanes: tuple[str, ...]) -> None:
        """Copy rows from active to standby, and mark what they stand for."""
        active, standby = self.sides[self.active], self.sides[self.standby]
        for cell in touched(lanes):
            standby.cells[cell] = list(active.cells[cell])
        for op in active.serials:
            if standby.has(op):
                standby.serials[op] = active.serials[op]
        standby.serials = {op: serial for op, serial in standby.serials.items() if standby.has(op)}
        for entry in self.journal:
            if entry.state not in ("done", "parked", "diverged", "unknown") or entry.target != self.standby:
                continue  # what the side that is active now lacks, no copy of its rows can bring
            if self.conflict(entry.lanes, lanes):
                self._settled(entry, "healed")
        self.sending = [s for s in self.sending if s.entry.state == "done"]

    # ---- roles

    def ready(self) -> bool:
        if self.stale and not self.broken("stale_side_flipped_to"):
            return False
        listed = {"diverged", "abandoned"}
        settled = all(e.state in SETTLED - listed for e in self.journal if e.epoch == self.epoch)
        return settled and not self.sending and not any(e.state in UNDECIDED | {"parked"} for e in self.journal)

    def flip(self) -> None:
        if not self.ready() and not self.broken("no_catch_up"):
            raise Lost
        if any(e.state in UNDECIDED for e in self.journal):
            raise Lost
        self._check_equal()
        self._raise_sequence()
        self.active, self.epoch = self.standby, self.epoch + 1

    def _check_equal(self) -> None:
        gone = {e.op for e in self.journal if e.state == "skipped"}
        for cell in CELLS:
            one, other = ([op for op in s.cells[cell] if op not in gone] for s in self.sides.values())
            if one != other:
                self.wrong.append(f"at a planned flip the sides differ in {cell}: {one} and {other}")

    def _raise_sequence(self) -> None:
        if not self.broken("sequence_not_raised"):
            highest = max([0, *(serial for side in self.sides.values() for serial in side.serials.values())])
            for side in self.sides.values():
                side.sequence = max(side.sequence, highest + 1)

    def roll_back(self) -> None:
        """The active side is lost: what is undecided is abandoned, what was acknowledged is applied or parked."""
        if self.stale:
            raise Lost
        for entry in self.journal:
            if entry.state in UNDECIDED:
                self.sides[entry.origin].zombies.append(entry)
                entry.state = "abandoned"
        for sent in list(self.sending):
            self._lose(sent)
        if not self.broken("acknowledged_forgotten"):
            self._catch_up_or_park()
        self._raise_sequence()
        self.active, self.epoch, self.stale = self.standby, self.epoch + 1, True

    def _lose(self, sent: Sending) -> None:
        """A copy whose fate is unknown: asked again by id, or parked where there are none."""
        self.sending.remove(sent)
        if not self.sides[sent.entry.target].ids:
            sent.entry.uncertain = True
            self._settled(sent.entry, "parked")

    def _catch_up_or_park(self) -> None:
        while waiting := [e for e in self.journal if e.state == "done"]:
            copied = next((e for e in waiting if e.copied and not self._waits(e)), None)
            entry = next((e for e in waiting if self.may_replay(e)), None)
            if copied is not None:  # no rows will come any more: what its copy did is what there is
                state = {"ok": "applied", "nothing": "diverged", "refused": "parked"}[copied.copied]
                self._settled(copied, state)
            elif entry is None:
                self._settled(waiting[0], "parked")  # behind a parked one
            elif (answer := self._sent_at_once(entry)) == "refused":
                self._settled(entry, "parked")
            else:
                self._settled(entry, "applied" if answer == "ok" else "diverged")

    def _waits(self, entry: Entry) -> bool:
        return any(self._in_the_way(e, entry) for e in self.journal if e.op < entry.op)

    def _sent_at_once(self, entry: Entry) -> str:
        sent = self.send(entry)
        self.sending.remove(sent)
        return self.arrive(entry)
