"""What must hold after every step (design.md section 9), whatever happened."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.model.sides import CELLS, MOVES, UNDECIDED
from tests.model.world import World


class Invariants(RuleBasedStateMachine):
    world: World
    past: dict[int, str]  # epoch → who was active
    states: dict[int, str]  # of the entries, after the last step

    def _present(self, side: str, cell: str, without: Sequence[str]) -> list[int]:
        gone = {entry.op for entry in self.world.journal if entry.state in without}
        return [op for op in self.world.sides[side].cells[cell] if op not in gone]

    @invariant()
    def i1_every_acknowledged_write_is_journaled_with_its_outcome(self) -> None:
        for entry in self.world.acked:
            assert entry in self.world.journal, f"{entry.op} was acknowledged and is not in the journal"
            assert entry.state not in UNDECIDED | {"failed", "abandoned"}, f"{entry.op} is {entry.state}"

    @invariant()
    def i2_no_effect_without_an_entry(self) -> None:
        known = {entry.op for entry in self.world.journal}
        for side in self.world.sides.values():
            assert all(known.issuperset(ops) for ops in side.cells.values()), "an effect without an entry"

    @invariant()
    def i3_at_most_one_effect_per_side(self) -> None:
        for side in self.world.sides.values():
            for ops in side.cells.values():
                assert len(ops) == len(set(ops)), f"an effect twice on {side.name}: {ops}"

    @invariant()
    def i4_the_standby_is_a_prefix_of_the_active_side(self) -> None:
        if self.world.stale:
            return
        for cell in CELLS:
            without = ("skipped", "diverged", "parked")
            active = self._present(self.world.active, cell, without)
            standby = self._present(self.world.standby, cell, without)
            hole = [op for op in active if op in standby]
            assert standby == hole, f"order in {cell}: {standby} is not that of {active}"
            self._no_overtaking(cell, active, standby)

    def _no_overtaking(self, cell: str, active: list[int], standby: list[int]) -> None:
        missing = [op for op in active[: len(standby)] if op not in standby]
        assert not missing, f"in {cell} the standby {standby} lacks {missing} of {active}"

    @invariant()
    def i5_failed_has_no_effect_and_applied_has_its_own(self) -> None:
        for entry in self.world.journal:
            origin, target = self.world.sides[entry.origin], self.world.sides[entry.target]
            if entry.state == "failed":
                assert not origin.has(entry.op) and not target.has(entry.op), f"{entry.op} failed and has an effect"
            if entry.state == "done":
                assert entry.landed, f"{entry.op} is done and has no effect"
            if entry.state == "applied" and not self.world.stale:
                assert target.has(entry.op), f"{entry.op} is applied and has no effect"

    @invariant()
    def i6_the_active_side_has_every_acknowledged_write(self) -> None:
        parked = [e for e in self.world.journal if e.state == "parked" and e.target == self.world.active]
        for entry in self.world.acked:
            excused = entry.state in ("skipped", "diverged") or any(
                self.world.conflict(entry.lanes, other.lanes) for other in parked
            )
            assert excused or self.world.sides[self.world.active].has(entry.op), f"{entry.op} is lost"

    @invariant()
    def i6_parked_lanes_take_no_writes(self) -> None:
        for parked in self.world.journal:
            if parked.state == "parked" and parked.target == self.world.active:
                later = [e for e in self.world.journal if e.epoch > parked.epoch and e.epoch == self.world.epoch]
                assert not any(self.world.conflict(e.lanes, parked.lanes) for e in later), "a write in a parked lane"

    @invariant()
    def i7_one_writer_per_epoch(self) -> None:
        for entry in self.world.journal:
            assert self.past[entry.epoch] == entry.origin and entry.epoch <= self.world.epoch
        newest = [entry.epoch for entry in self.world.journal]
        assert newest == sorted(newest), "an epoch that had ended got another entry"

    @invariant()
    def serials_are_the_same_on_both_sides_and_taken_once(self) -> None:
        if self.world.stale:
            return
        one, other = (side.serials for side in self.world.sides.values())
        without = {e.op for e in self.world.journal if e.state in ("diverged", "parked", "skipped")}
        without |= {e.op for e in self.world.journal if e.both and e.state == "done"}  # its rows are still to come
        for op in (one.keys() & other.keys()) - without:
            assert one[op] == other[op], f"{op} has the serials {one[op]} and {other[op]}"

    @invariant()
    def nothing_was_seen_to_go_wrong(self) -> None:
        assert not self.world.wrong, self.world.wrong[0]

    @invariant()
    def entries_move_by_the_table(self) -> None:
        for entry in self.world.journal:
            before = self.states.get(entry.op, "intent")
            assert self._legal(before, entry.state), f"{entry.op} moved from {before} to {entry.state}"
            self.states[entry.op] = entry.state

    @staticmethod
    def _legal(before: str, after: str) -> bool:
        """In one step of the machine an entry may make several moves."""
        reached = {before}
        while more := {state for at in reached for state in MOVES.get(at, ())} - reached:
            reached |= more
        return after in reached
