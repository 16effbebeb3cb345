"""What may happen to the world, in any order (hypothesis chooses), and what must hold after every step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.invariants import Invariants
from tests.model.sides import CELLS, LANES, Entry, Lost, Sending
from tests.model.themes import THEMES
from tests.model.world import World

PICK = st.integers(0, 3)
PICKS = st.integers(0, 1000)


def step(rule_name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A rule that a theme may leave out."""
    return precondition(lambda self: rule_name not in self.theme.without)


class JournalMachine(Invariants):
    mutant: str | None = None
    theme = THEMES["everything"]

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.mutant, self.theme.active)
        self.running: list[Entry] = []
        self.hanging: list[tuple[Sending, str | None]] = []  # copies whose answer (None: not given yet) is to be heard
        self.past = {1: self.theme.active}  # epoch → who was active
        self.states: dict[int, str] = {}

    # ---- writes

    @rule(where=PICKS, how=PICKS, create=st.booleans(), leans=st.booleans(), silent=st.booleans(), odd=PICKS)
    def write(self, where: int, how: int, create: bool, leans: bool, silent: bool, odd: int) -> None:
        world, theme = self.world, self.theme
        lanes, course = theme.lanes[where % len(theme.lanes)], theme.courses[how % len(theme.courses)]
        poison, late_edge = bool(theme.poison) and odd % theme.poison == 0, odd % 7
        both = bool(theme.both) and odd % theme.both == 1
        leans, create = leans or theme.leaning, create or theme.creating
        epoch = world.epoch - 1 if late_edge == 3 and world.epoch > 1 else world.epoch
        with suppress(Lost):
            entry = world.admit(
                lanes, epoch=epoch, origin=self.past[epoch], create=create, leans=leans, silent=silent, poison=poison,
                both=both,
            )  # fmt: skip
            self._go(entry, course)

    def _go(self, entry: Entry, course: str) -> None:
        world = self.world
        if course in ("slow", "visible"):
            self.running.append(entry)
            if course == "visible":  # its effect can be seen before its outcome is known
                world.land(entry)
        elif course == "4xx":
            if entry.create:
                world.sides[entry.origin].sequence += 1  # a failed insert burns a number
            world.outcome(entry, "failed")
        elif course in ("ok", "unacked"):
            self._finish(entry, acknowledged=course == "ok")
        else:
            self._goes_wrong(entry, course)

    def _goes_wrong(self, entry: Entry, course: str) -> None:
        world = self.world
        if course in ("5xx effect", "crash"):
            world.land(entry)
        elif course in ("late", "dies"):
            world.sides[entry.origin].zombies.append(entry)
        if world.broken("acknowledged_early") and course == "crash":
            world.acknowledge(entry)
        if not (world.broken("forward_first") and course == "crash"):
            world.outcome(entry, "unknown")

    def _finish(self, entry: Entry, *, acknowledged: bool = True) -> None:
        world = self.world
        if world.land(entry) and world.outcome(entry, "done") and acknowledged and entry.state == "done":
            world.acknowledge(entry)

    @precondition(lambda self: self.running)
    @rule(pick=PICK, lands=st.booleans())
    def goes_on(self, pick: int, lands: bool) -> None:
        entry = self.running[pick % len(self.running)]
        if lands:
            self.world.land(entry)
        else:
            self.running.remove(entry)
            self._finish(entry)

    @precondition(lambda self: self.running and "edge_dies" not in self.theme.without)
    @rule()
    def edge_dies(self) -> None:
        for entry in self.running:
            if not entry.landed:
                self.world.sides[entry.origin].zombies.append(entry)
            self.world.outcome(entry, "unknown")
        self.running.clear()

    @precondition(lambda self: any(side.zombies for side in self.world.sides.values()))
    @rule(pick=PICK, lands=st.booleans())
    def zombie_ends(self, pick: int, lands: bool) -> None:
        sides = [side for side in self.world.sides.values() if side.zombies]
        side = sides[pick % len(sides)]
        entry = side.zombies.pop(0)
        if not lands:
            return
        if entry.origin == side.name:
            landed = self.world.land(entry)
            if landed and pick > 0 and entry.state == "unknown":  # the edge has read on: a late answer
                self.world.outcome(entry, "done")
        else:
            self.world.arrive(entry)

    # ---- the standby's side

    def _having(self, *states: str) -> list[Entry]:
        return [entry for entry in self.world.journal if entry.state in states]

    @step("resolve")
    @rule(pick=PICK)
    def resolve(self, pick: int) -> None:
        unknown = self._having("unknown")
        if unknown:
            with suppress(Lost):
                self.world.resolve(unknown[pick % len(unknown)])

    @rule(pick=PICK, how=PICKS)
    def replay(self, pick: int, how: int) -> None:
        course = self.theme.replies[how % len(self.theme.replies)]
        ready = [entry for entry in self.world.journal if self.world.may_replay(entry)]
        if not ready:
            return
        sent = self.world.send(ready[pick % len(ready)])
        if course == "answers":
            self.world.settle(sent, self.world.arrive(sent.entry))
        elif course == "busy":
            self.world.sending.remove(sent)
        elif course.startswith("hangs"):
            sent.landed = course == "hangs after"
            self.hanging.append((sent, self.world.arrive(sent.entry) if sent.landed else None))
        else:
            self._lose(sent, landed=course == "lost after")

    @rule(pick=PICK)
    def take_on_ahead(self, pick: int) -> None:
        ready = [entry for entry in self.world.journal if self.world.may_go_ahead(entry)]
        if ready:
            self.world.sending.append(Sending(ready[pick % len(ready)], self.world.term, ahead=True))

    @rule(pick=PICK)
    def what_was_taken_on_ahead_has_its_turn(self, pick: int) -> None:
        ahead = [sent for sent in self.world.sending if sent.ahead and sent.term == self.world.term]
        if not ahead:
            return
        sent = ahead[pick % len(ahead)]
        turn = self.world.turn_of(sent)
        if turn != "waits":
            self.world.sending.remove(sent)
        if turn == "now":
            self.world.settle(self.world.send(sent.entry), self.world.arrive(sent.entry))

    def _lose(self, sent: Sending, *, landed: bool) -> None:
        """The connection is lost: with ids the copy is sent again later, else it is like one of an earlier term."""
        side = self.world.sides[sent.entry.target]
        if landed:
            self.world.arrive(sent.entry)
        else:
            side.zombies.append(sent.entry)
        if side.ids or self.world.broken("sent_again_without_ids"):
            self.world.sending.remove(sent)
        else:
            sent.landed, sent.term = True, 0

    @precondition(lambda self: self.hanging)
    @rule(pick=PICK)
    def a_hanging_copy_is_answered(self, pick: int) -> None:
        sent, answer = self.hanging.pop(pick % len(self.hanging))
        if answer is None and sent.term != self.world.term:
            return  # it is a zombie by now
        with suppress(Lost):
            self.world.settle(sent, answer or self.world.arrive(sent.entry))

    @step("another_replayer_takes_over")
    @rule()
    def another_replayer_takes_over(self) -> None:
        self.world.take_over()

    @step("orphan_is_asked_again")
    @rule(pick=PICK)
    def orphan_is_asked_again(self, pick: int) -> None:
        orphans = self.world.orphans()
        if orphans:
            with suppress(Lost):
                sent = self.world.ask_again(orphans[pick % len(orphans)])
                self.world.settle(sent, self.world.arrive(sent.entry))

    @step("heal")
    @rule(lanes=st.sampled_from(LANES))
    def heal(self, lanes: tuple[str, ...]) -> None:
        closed = self.world.closure(lanes)
        if not self.world.stale and self.world.may_heal(closed):
            self.world.heal(closed)

    @step("person_decides")
    @rule(pick=PICK, verb=st.sampled_from(("retry", "retry", "skip")))
    def person_decides(self, pick: int, verb: str) -> None:
        parked = [e for e in self._having("parked") if not (self.world.stale and e.target == self.world.standby)]
        if parked:
            entry = parked[pick % len(parked)]
            if verb == "skip" or entry.uncertain:
                entry.state = "skipped"
            elif not any(self.world._in_the_way(e, entry) for e in self.world.journal if e.op < entry.op):
                entry.poison = False
                self._retry(entry)

    def _retry(self, entry: Entry) -> None:
        side = self.world.sides[entry.target]
        if entry.create and not side.ids:
            if any(sent.entry.create for sent in self.world.sending):
                return
            keep, side.sequence = side.sequence, entry.serial or 1
        if self.world.arrive(entry) == "ok":
            entry.state = "applied"
            self.world.progress += 1
        if entry.create and not side.ids:
            side.sequence = max(keep, side.sequence)

    # ---- roles

    @step("flip")
    @rule(patient=st.booleans())
    def flip(self, patient: bool) -> None:
        if patient:
            self._calm_down()
        with suppress(Lost):
            self.world.flip()
            self.past[self.world.epoch] = self.world.active

    def _calm_down(self) -> None:
        for entry in list(self.running):
            self.running.remove(entry)
            self._finish(entry)
        for side in self.world.sides.values():
            side.zombies.clear()
        for entry in self._having("unknown"):
            self.resolve(0) if self.world.sides[entry.origin].ids else self.heal(entry.lanes)
        for _ in range(40):
            if self.hanging:
                self.a_hanging_copy_is_answered(0)
            self.replay(0, 0)
            self.what_was_taken_on_ahead_has_its_turn(0)
            for entry in self._having("done"):
                if entry.copied:
                    self.heal(entry.lanes)
        for entry in self._having("parked", "diverged"):
            self.heal(entry.lanes)

    @precondition(lambda self: not self.world.stale and "roll_back" not in self.theme.without)
    @rule(rarely=PICK)
    def roll_back(self, rarely: int) -> None:
        if rarely == 3:
            self.world.roll_back()
            self.running.clear()  # what was under way is a zombie now
            self.past[self.world.epoch] = self.world.active

    @precondition(lambda self: self.world.stale)
    @rule()
    def resync(self) -> None:
        if self.world.may_heal(CELLS) and not self._having("intent"):
            self.world.heal(CELLS)
            self.world.stale = False
