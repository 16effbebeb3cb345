"""Replay in the model: what may be sent, what its answer means, and another replayer that takes over."""

from __future__ import annotations

from tests.model.sides import UNDECIDED, Entry, Lost, Sending, touched, truly_conflict
from tests.model.writes import Writes


class Replay(Writes):
    """What a replayer does, and its successor."""

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
