"""The journal's protocol (design.md section 4) as a small world without I/O, and its broken variants.

Effects are appends that are not idempotent, so a loss, a repeat and a change of order are all visible. Two sides: `old`
is an unmodified backend (no ids, a sequence that is set before a replayed create), `new` cooperates (ids, tombstones,
adopted values). A mutant is a name; the code asks `broken(name)` where it would go wrong.
"""

from __future__ import annotations

from typing import Any

from tests.model.sides import CELLS, SETTLED, UNDECIDED, Entry, Lost, Sending, Side, touched, truly_conflict


class World:
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

    # ---- replay

    def may_replay(self, entry: Entry) -> bool:
        if entry.state != "done" or any(sent.entry is entry for sent in self.sending):
            return False
        if entry.copied and not self.broken("copied_sent_again"):
            return False
        if self.stale:
            return False
        if any(self._in_the_way(e, entry) for e in self.journal if e.op < entry.op):
            return False
        if not self.broken("no_clock") and any(self.holds_the_clock(e, entry) for e in self.journal):
            return False
        busy = entry.create and not self.sides[entry.target].ids and any(s.entry.create for s in self.sending)
        return not busy or self.broken("creates_in_parallel")

    def holds_the_clock(self, other: Entry, entry: Entry) -> bool:
        """It had completed before the entry began, and nothing but time keeps it from being settled."""
        before = other.state == "done" and (other.completion or 0) <= entry.after
        return before and other.op not in self.stuck()

    def stuck(self) -> set[int]:
        """What is unknown or parked, and all that waits behind it in its lanes: it stops nobody else."""
        found: list[Entry] = []
        if not any(entry.state in ("unknown", "parked") for entry in self.journal):
            return set()
        for entry in self.journal:
            behind = entry.state == "done" and any(truly_conflict(entry.lanes, e.lanes) for e in found)
            if entry.state in ("unknown", "parked") or behind:
                found.append(entry)
        return {entry.op for entry in found}

    def _in_the_way(self, earlier: Entry, entry: Entry) -> bool:
        if not self.conflict(earlier.lanes, entry.lanes):
            return False
        if earlier.state in UNDECIDED:
            return not self.broken("unknown_overtaken")
        if earlier.state == "parked":
            return not self.broken("parked_overtaken")
        return earlier.state == "done"

    def may_go_ahead(self, entry: Entry) -> bool:
        """Whether it waits for nothing but copies under way that are likely to go well, on a side with ids."""
        waits = entry.state == "done" and not entry.copied and all(sent.entry is not entry for sent in self.sending)
        if not waits or self.stale or self.stuck() or not self.sides[entry.target].ids:
            return False
        before = [e for e in self.journal if e is not entry and self._is_before(e, entry)]
        return bool(before) and all(not e.both and e.refused_at < 0 and self._is_under_way(e) for e in before)

    def _is_before(self, other: Entry, entry: Entry) -> bool:
        return self.holds_the_clock(other, entry) or (other.op < entry.op and self._in_the_way(other, entry))

    def _is_under_way(self, entry: Entry) -> bool:
        return any(sent.entry is entry and sent.term == self.term for sent in self.sending)

    def turn_of(self, ahead: Sending) -> str:
        """What becomes of a copy that was taken on ahead: it is sent `now`, it `waits`, or it is given `back`."""
        before = [e for e in self.journal if e is not ahead.entry and self._is_before(e, ahead.entry)]
        under_way = [e for e in before if self._is_under_way(e)]
        if under_way != before and not self.broken("ahead_of_a_failure"):
            return "back"
        return "waits" if under_way and not self.broken("ahead_at_once") else "now"

    def send(self, entry: Entry) -> Sending:
        for earlier in self.journal[: entry.op - 1]:
            undecided = earlier.state in UNDECIDED | {"done", "parked"}
            if undecided and truly_conflict(earlier.lanes, entry.lanes):
                self.wrong.append(f"{entry.op} overtakes {earlier.op}, which is {earlier.state}")
        sent = Sending(entry, self.term)
        self.sending.append(sent)
        side = self.sides[entry.target]
        if entry.create and not side.ids and not self.broken("no_pin"):
            side.sequence = entry.serial or 1
        return sent

    def arrive(self, entry: Entry) -> str:
        """The copy reaches the standby: `ok`, `refused` or `nothing` (a success that changed nothing)."""
        side = self.sides[entry.target]
        if side.ids and side.has(entry.op) and not self.broken("no_dedup"):
            return "ok"
        if entry.poison:
            return "refused"
        if entry.needs is not None and not side.has(entry.needs):
            self._check_clock(entry)
            return "nothing" if entry.silent else "refused"
        for cell in touched(entry.lanes):
            side.cells[cell].append(entry.op)
        if entry.create:
            if entry.both:
                side.serials[entry.op] = -entry.op  # what no copy can be told: its rows will say
            elif side.ids and not self.broken("no_pin"):
                side.serials[entry.op] = entry.serial or 0
            else:
                self._draw(side, entry.op)
        return "ok"

    def _check_clock(self, entry: Entry) -> None:
        need = self.journal[(entry.needs or 1) - 1]
        if self.holds_the_clock(need, entry):
            self.wrong.append(f"{entry.op} was replayed before {need.op}, which had completed before it started")

    def settle(self, sent: Sending, answer: str) -> None:
        """What the replayer makes of the standby's answer. A replayer of an earlier term is refused."""
        entry = sent.entry
        if sent.term != self.term and not self.broken("stale_term_accepted"):
            raise Lost
        if sent in self.sending:
            self.sending.remove(sent)
        if answer == "refused":
            self._refused(entry)
        elif entry.state == "done" and entry.both and not self.broken("rows_forgotten"):
            entry.copied = answer
        elif entry.state == "done":
            same = answer == "ok" or self.broken("no_compare")
            self._settled(entry, "applied" if same else "diverged")

    def _refused(self, entry: Entry) -> None:
        entry.refused_at = self.progress
        if self.broken("refusal_ignored"):
            self._settled(entry, "applied")
        elif self.final(entry):
            need = None if entry.needs is None else self.journal[entry.needs - 1]
            coming = need is not None and need.state in UNDECIDED | {"done"}
            waiting = coming and need is not None and need.refused_at < self.progress
            if waiting and not entry.poison:
                self.wrong.append(f"{entry.op} was parked although {entry.needs} was still to come")
            if entry.both:
                entry.copied = "refused"  # its rows say what the standby would not
            else:
                self._settled(entry, "parked")

    def final(self, entry: Entry) -> bool:
        """Nothing that may have been visible to it is still to come; of several refused ones the first gives up."""
        if self.broken("final_at_once"):
            return True
        horizon = entry.op - 1 if self.broken("final_by_start") else entry.horizon
        return not any(
            other.op <= horizon
            and other is not entry
            and (other.state in UNDECIDED or other.state == "done")
            and not (other.refused_at == self.progress and other.op > entry.op)
            for other in self.journal
        )

    def _settled(self, entry: Entry, state: str) -> None:
        entry.state = state
        self.progress += 1

    # ---- another replayer takes over

    def take_over(self) -> None:
        under_way = [s for s in self.sending if s.term == self.term and not s.landed and not s.ahead]
        self.term += 1
        for sent in under_way:
            self.sides[sent.entry.target].zombies.append(sent.entry)
        if self.broken("sending_forgotten"):
            self.sending.clear()

    def orphans(self) -> list[Sending]:
        return [sent for sent in self.sending if sent.term != self.term]

    def ask_again(self, sent: Sending) -> Sending:
        """With ids the copy is sent again under the new term; without, only heal is safe."""
        if not self.sides[sent.entry.target].ids and not self.broken("sent_again_without_ids"):
            raise Lost
        if sent.ahead and self.turn_of(sent) != "now" and not self.broken("ahead_taken_over"):
            raise Lost
        self.sending.remove(sent)
        return self.send(sent.entry)

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
