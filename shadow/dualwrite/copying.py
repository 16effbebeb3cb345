"""One copy of a write: what it says to the standby, and what becomes of it by the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import structlog

from shadow.answer import Answer, AskFailed
from shadow.clock import Clock
from shadow.compare.diff import Limits
from shadow.compare.rules import RuleBook
from shadow.dualwrite.admission import COPIED, Replays, Settlement
from shadow.dualwrite.copies import Copies, TokenMinter, copy_of
from shadow.dualwrite.entry import Entry, State
from shadow.dualwrite.judgement import judged
from shadow.dualwrite.lanes import WriteRoute
from shadow.dualwrite.ordering import is_final
from shadow.dualwrite.pinning import Unpinnable, pins_of, sequence_value
from shadow.dualwrite.retry import FAULT_TRIES, Act, decide
from shadow.dualwrite.session import JournalUnavailable
from shadow.sender import Target

log = structlog.get_logger("journal")


class Copying:
    """Sends copies, one call for each. `to_carry` has the entries whose rows are to be carried behind or instead of
    their copies, with their lanes: whoever makes that durable takes them out."""

    def __init__(
        self, journal: Replays, copies: Copies, minter: TokenMinter, targets: Mapping[str, Target],
        routes: Mapping[str, WriteRoute], rules: RuleBook, limits: Limits, clock: Clock, *, held_within: float,
    ) -> None:  # fmt: skip
        self._journal = journal
        self._copies = copies
        self._minter = minter
        self._targets = targets
        self._routes, self._rules = routes, rules
        self._limits = limits
        self._clock = clock
        self._held_within = held_within
        self._progress = 0  # grows with everything that is settled
        self._refused: dict[int, int] = {}  # number → progress when its copy was sent that was refused last
        self.to_carry: dict[int, tuple[str, ...]] = {}

    def use(self, routes: Mapping[str, WriteRoute], rules: RuleBook) -> None:
        """Take copies that begin from now on by another route table and other rules."""
        self._routes, self._rules = routes, rules

    def begin_term(self) -> None:
        """Forget who was refused: others may have been settled since."""
        self._progress += 1
        self._refused.clear()

    def settled(self, number: int) -> None:
        """This entry is settled, durably: what was refused for want of it may be taken now."""
        self._progress += 1
        self._refused.pop(number, None)

    async def copy(self, entry: Entry, begin_by: float) -> Settlement | None:
        """What became of the copy of an entry; None: it was too late to begin, and nothing was sent. Never raises."""
        try:
            return await self._sent(entry, begin_by)
        except Unpinnable as error:
            return self._carried(entry, str(error))
        except Exception as error:
            log.exception("copy_failed", number=entry.number, route=entry.route)
            return Settlement(entry.number, "lost", f"a fault of cutover: {error!r}", ended=False)

    async def _sent(self, entry: Entry, begin_by: float) -> Settlement | None:
        target, route = self._targets[entry.target], self._routes.get(entry.route, WriteRoute())
        if entry.copied:
            return self._carried(entry, entry.reason)
        if route.carry == "rows" or (route.carry == "both" and not target.cooperates):
            return self._carried(entry, "its route carries rows")
        pins = pins_of(route, entry.answer, actor=entry.actor, at_time=entry.at)
        claims = orjson.loads(entry.actor) if entry.actor else None
        copy = copy_of(entry, target, pins=pins, authorization=self._minter.mint(claims, target, self._clock.now()))
        progress = self._progress
        sequence = None if target.cooperates else sequence_value(route, pins)
        heard: Answer | AskFailed
        if self._clock.now() > begin_by:
            return None
        try:
            if sequence is not None:
                await self._copies.set_sequence(target, *sequence)
                if self._clock.now() > begin_by:
                    return None
            heard = await self._copies.send(copy, target)
        except AskFailed as failed:
            heard = failed
        return await self._decided(entry, route, heard, progress)

    async def _decided(self, entry: Entry, route: WriteRoute, heard: Answer | AskFailed, progress: int) -> Settlement:
        target = self._targets[entry.target]
        decision = decide(heard, ids=target.cooperates, attempts=entry.attempts)
        answer = heard if isinstance(heard, Answer) else None
        unheard = decision.act is Act.RETRY and (answer is None or answer.status >= 500)  # a 409 has a bound of its own
        if unheard and entry.attempts >= FAULT_TRIES and await self._copies.answers(target):
            # It is this one that it cannot take, and all others wait for it.
            decision = replace(decision, act=Act.REFUSED, why=f"{decision.why}; it answers others")
        if decision.act is Act.COMPARE and answer is not None:
            state, why = self._judged(entry, route, answer)
            if route.carry == "both":
                return self._copied(entry, why if state is State.DIVERGED else "", answer, decision.ended)
            return Settlement(entry.number, state, why, answer=answer, id=entry.id, ended=decision.ended)
        if decision.act is Act.HEAL:
            over = self._clock.now() if decision.ended else 0.0  # else it may land until its deadline
            return Settlement(entry.number, "lost", decision.why, over, answer, entry.id)
        if decision.act is Act.REFUSED and await self._is_final(entry, progress):
            allowed = answer is not None and entry.answer is not None and self._judged(entry, route, answer)
            if allowed and allowed[0] is State.APPLIED:
                return self._copied(
                    entry, "", answer, decision.ended
                )  # the rules say that both mean the same: the rows decide
            if route.carry == "both":
                return self._copied(entry, decision.why, answer, decision.ended)
            log.warning("entry_parked", number=entry.number, route=entry.route, why=decision.why)
            return Settlement(
                entry.number, State.PARKED, decision.why, answer=answer, id=entry.id, ended=decision.ended
            )
        again, later = "wait" if decision.act is Act.WAIT else "retry", self._clock.now() + decision.wait
        return Settlement(entry.number, again, decision.why, later, answer, entry.id, decision.ended)

    def _judged(self, entry: Entry, route: WriteRoute, answer: Answer) -> tuple[State, str]:
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        status = entry.answer.status if entry.answer else answer.status
        rules = self._rules.of(entry.route, (status, answer.status), today)
        return judged(entry.answer, answer, route, rules, self._limits)

    async def _is_final(self, entry: Entry, progress: int) -> bool:
        self._refused[entry.number] = progress
        if progress != self._progress:
            return False  # something was settled while it was under way: it may be taken now
        try:
            others = await self._journal.open_entries(up_to=entry.horizon)
        except JournalUnavailable:
            return False
        return progress == self._progress and is_final(entry, others, self._refused, progress)

    def _copied(self, entry: Entry, differed: str, answer: Answer | None, ended: bool | None) -> Settlement:
        """The copy is never sent again; now its rows are carried, and that the answers differed is kept."""
        if differed:
            log.warning("answers_differed", number=entry.number, route=entry.route, why=differed)
        self.to_carry[entry.number] = entry.lanes
        by_then = self._clock.now() + self._held_within
        return Settlement(entry.number, COPIED, differed, by_then, answer, entry.id, ended)

    def _carried(self, entry: Entry, why: str) -> Settlement:
        self.to_carry[entry.number] = entry.lanes
        return Settlement(entry.number, "retry", why, self._clock.now() + self._held_within)
