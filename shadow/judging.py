"""What becomes of one mirrored exchange: the other backend is asked, the answers compared, a difference confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TypeVar

import structlog

from shadow.answer import UNWELL, Answer, AskFailed, captured
from shadow.asking import Asking, BreakerOpen
from shadow.clock import Clock
from shadow.compare import noise
from shadow.compare.decoding import NotComparedReason
from shadow.compare.diff import Limits
from shadow.compare.redact import Redactor
from shadow.compare.reports import Records
from shadow.compare.rules import RuleBook
from shadow.compare.summary import GroupKey, Judged, Mismatch, Proposal, example_of, key_of
from shadow.compare.verdict import Outcome, Verdict, compare
from shadow.compare.walk import Difference
from shadow.dualwrite.session import JournalUnavailable
from shadow.dualwrite.tail import Position
from shadow.exchange import Exchange
from shadow.metrics import MIRRORED, NOT_COMPARED, SKIPPED
from shadow.plan import Bucket, Skip, sample_point
from shadow.recent import Recent
from shadow.settings import CompareSettings, MirrorSettings

log = structlog.get_logger("shadow")
T = TypeVar("T")
Stand = Callable[[], Awaitable[Position]]

SECOND_ASKS = 0.1
"""Second asks, as a share of `mirror.rate`: they go to the active backend too, which must never feel them."""
TRIES, BREATH, CATCH_UP = 5, 0.05, 10.0
"""How often a difference is looked at again until the active side holds still, the first pause in seconds, and how long
the standby may take to catch up with what it had when asked."""
CONFIRMED_FOR = 300.0
"""Seconds for which a confirmed group needs no second ask where there is no room for one."""
_INLINE = 64 * 1024  # bodies above this are compared in a thread: sending must not wait for them


@dataclass(frozen=True, slots=True)
class Pair:
    """The two answers to one request, by role."""

    active: Answer
    standby: Answer


class Judge:
    """Judges exchanges one by one; many may be under way at once. Used from one event loop only."""

    def __init__(
        self, asking: Asking, ledger: Records, clock: Clock, mirror: MirrorSettings, settings: CompareSettings,
        position: Stand | None = None,
    ) -> None:  # fmt: skip
        self._asking = asking
        self._ledger = ledger
        self._clock = clock
        self._rate = max(1.0, mirror.rate * SECOND_ASKS)
        self._bucket = Bucket(self._rate, clock.monotonic())
        self._body_limit = mirror.body_limit
        self._position = position
        self._confirmed = Recent(CONFIRMED_FOR)
        self._told = Recent(86400.0)
        self.use(settings)

    def use(self, settings: CompareSettings) -> None:
        """Go by these rules and settings from now on. Raises ValueError if a rule's path cannot be read."""
        self._rules = RuleBook(settings.rules)
        self._redactor = Redactor(settings.redact)
        self._limits = Limits.of(settings.timeout, self._body_limit)
        self._noise_percent = settings.noise_percent
        for name in self._rules.expired(self._today()):
            log.warning("rule_expired", rule=name)

    async def judge(self, exchange: Exchange) -> None:
        """See an exchange through to its verdict or its skip. Never raises; a failure is a verdict, too."""
        try:
            judged = await self._judged(exchange)
        except BreakerOpen:
            SKIPPED.labels(Skip.BREAKER_OPEN.value).inc()
            return
        except Exception:
            log.exception("judging_failed", request=exchange.id, route=exchange.route)
            judged = self._verdict(exchange, Verdict.NOT_COMPARED, NotComparedReason.FAILED)
        MIRRORED.labels(judged.verdict.value).inc()
        if judged.reason:
            NOT_COMPARED.labels(judged.reason).inc()
        self._ledger.record(judged)

    async def _judged(self, exchange: Exchange) -> Judged:
        if exchange.status == 206:
            return self._verdict(exchange, Verdict.NOT_COMPARED, NotComparedReason.PARTIAL)
        if exchange.status == 304 and not self._may_ask_again():
            return self._verdict(exchange, Verdict.NOT_COMPARED, NotComparedReason.NOT_MODIFIED)
        try:
            # A 304 says nothing about the body; the copies carry no conditions, so both sides answer in full.
            pair = await (self._both(exchange) if exchange.status == 304 else self._other(exchange))
        except AskFailed as error:
            verdict = Verdict.FAILED if error.reason in UNWELL else Verdict.NOT_COMPARED
            log.debug("no_answer", request=exchange.id, backend=exchange.mirrored, error=str(error))
            return self._verdict(exchange, verdict, error.reason)
        outcome = await self._compared(exchange.route, pair)
        if outcome.verdict is Verdict.MISMATCHED:
            return await self._confirm(exchange, pair, outcome)
        judged = self._verdict(exchange, outcome.verdict, outcome.reason)
        return replace(judged, forgiven=outcome.forgiven, noise=await self._sampled_noise(exchange, pair, outcome))

    async def _confirm(self, exchange: Exchange, pair: Pair, outcome: Outcome) -> Judged:
        """A difference counts if it is there a second time, and if the active backend agrees with itself on it."""
        if not self._may_ask_again():
            return await self._unconfirmed(exchange, pair, outcome)
        try:
            again, own = await self._asked_again(exchange, pair)
        except (AskFailed, BreakerOpen, JournalUnavailable) as error:
            log.debug("not_confirmed", request=exchange.id, error=str(error))
            return self._verdict(exchange, Verdict.NOT_COMPARED, NotComparedReason.UNCONFIRMED)
        if again is None:
            return self._verdict(exchange, Verdict.MOVING)
        second = await self._compared(exchange.route, again)
        if second.verdict is Verdict.NOT_COMPARED:
            return self._verdict(exchange, Verdict.NOT_COMPARED, NotComparedReason.UNCONFIRMED)
        proposals = self._proposals(exchange.route, own)
        noisy = {difference.pattern for difference in own.differences}
        repeated = {(difference.pattern, difference.kind) for difference in second.differences}
        left = [d for d in outcome.differences if (d.pattern, d.kind) in repeated and d.pattern not in noisy]
        if left:
            judged = await self._mismatched(exchange, pair, left)
            return replace(judged, forgiven=outcome.forgiven, noise=proposals)
        is_noise = any(difference.pattern in noisy for difference in outcome.differences)
        return replace(self._verdict(exchange, Verdict.NOISE if is_noise else Verdict.MOVING), noise=proposals)

    async def _unconfirmed(self, exchange: Exchange, pair: Pair, outcome: Outcome) -> Judged:
        """No room for a second ask: what was confirmed just before is believed, all else is left open."""
        now = self._clock.monotonic()
        if all(self._confirmed.has(self._key(exchange, d).id, now) for d in outcome.differences):
            return await self._mismatched(exchange, pair, list(outcome.differences), confirmed=False)
        return self._verdict(exchange, Verdict.NOT_COMPARED, NotComparedReason.UNCONFIRMED)

    async def _mismatched(
        self, exchange: Exchange, pair: Pair, differences: list[Difference], confirmed: bool = True
    ) -> Judged:
        now = self._clock.monotonic()
        mismatches = await self._bounded(pair, lambda: self._mismatches(exchange, pair, differences))
        for mismatch in mismatches:
            key = mismatch.key
            if confirmed:
                self._confirmed.add(key.id, now)
            if not self._told.has(key.id, now):
                self._told.add(key.id, now)
                log.warning(
                    "mismatch",
                    route=key.route,
                    path=key.pattern,
                    kind=key.kind.value,
                    group=key.id,
                    request=exchange.id,
                )
        return replace(self._verdict(exchange, Verdict.MISMATCHED), mismatches=mismatches)

    def _mismatches(self, exchange: Exchange, pair: Pair, differences: list[Difference]) -> tuple[Mismatch, ...]:
        found = []
        for difference in differences:
            key, example = self._key(exchange, difference), None
            if self._ledger.wants_example(key.id):
                example = example_of(exchange, difference, pair.active, pair.standby, self._redactor)
            found.append(Mismatch(key, example))
        return tuple(found)

    async def _sampled_noise(self, exchange: Exchange, pair: Pair, outcome: Outcome) -> tuple[Proposal, ...]:
        """Where the active backend disagrees with itself, looked for on a share of what matched."""
        compared = outcome.verdict in (Verdict.MATCHED, Verdict.IGNORED)
        if not compared or sample_point(f"{exchange.id} noise") * 100 >= self._noise_percent:
            return ()
        if not self._may_ask_again():
            return ()
        try:
            again = await self._asking.ask(exchange, exchange.active)
        except (AskFailed, BreakerOpen) as error:
            log.debug("noise_not_sampled", request=exchange.id, error=str(error))
            return ()
        return self._proposals(exchange.route, await self._compared(exchange.route, Pair(pair.active, again)))

    async def _other(self, exchange: Exchange) -> Pair:
        answer = await self._asking.ask(exchange, exchange.mirrored)
        client = captured(exchange)
        return Pair(client, answer) if exchange.served == exchange.active else Pair(answer, client)

    async def _asked_again(self, exchange: Exchange, pair: Pair) -> tuple[Pair | None, Outcome]:
        """Both backends' answers once more, and how the active one's differ; None: it never held still.

        Where writes are brought to the standby, at a position (design.md section 6): the active side is asked, then the
        standby, which has everything by now that the active side had, and the active side again. If its two answers are
        the same, what was written in between is no part of them.
        """
        if self._position is None:
            again = await self._both(exchange)
            return again, await self._compared(exchange.route, Pair(pair.active, again.active))
        for attempt in range(TRIES):
            before = await self._asking.ask(exchange, exchange.active)
            if not await self._caught_up(self._position):
                break
            standby = await self._asking.ask(exchange, self._standby_of(exchange))
            after = await self._asking.ask(exchange, exchange.active)
            own = await self._compared(exchange.route, Pair(before, after))
            if own.verdict is not Verdict.MISMATCHED or attempt == TRIES - 1:
                return Pair(after, standby), own
            await asyncio.sleep(BREATH * 2**attempt)
        return None, Outcome(Verdict.MOVING)

    async def _caught_up(self, position: Stand) -> bool:
        """Wait until the standby has every write that has begun by now; False if that takes too long."""
        until = self._clock.monotonic() + CATCH_UP
        newest = (now := await position()).number
        while now.oldest is not None and now.oldest <= newest:
            if self._clock.monotonic() > until:
                return False
            await asyncio.sleep(BREATH)
            now = await position()
        return True

    @staticmethod
    def _standby_of(exchange: Exchange) -> str:
        return exchange.mirrored if exchange.served == exchange.active else exchange.served

    async def _both(self, exchange: Exchange) -> Pair:
        """Both backends asked anew, at the same time."""
        names = (exchange.active, self._standby_of(exchange))
        answers = await asyncio.gather(*(self._asking.ask(exchange, name) for name in names), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return Pair(*(answer for answer in answers if isinstance(answer, Answer)))

    async def _compared(self, route: str, pair: Pair) -> Outcome:
        rules = self._rules.of(route, (pair.active.status, pair.standby.status), self._today())
        return await self._bounded(pair, lambda: compare(pair.active, pair.standby, rules, self._limits))

    async def _bounded(self, pair: Pair, work: Callable[[], T]) -> T:
        if len(pair.active.body) + len(pair.standby.body) <= _INLINE:
            return work()
        return await asyncio.to_thread(work)

    def _may_ask_again(self) -> bool:
        self._bucket = self._bucket.refilled(self._clock.monotonic(), self._rate)
        if self._bucket.tokens < 1:
            return False
        self._bucket = self._bucket.taken()
        return True

    def _proposals(self, route: str, own: Outcome) -> tuple[Proposal, ...]:
        shown = (replace(d, pattern=self._redactor.text(d.pattern)) for d in own.differences)
        return noise.proposals(route, shown)

    def _key(self, exchange: Exchange, difference: Difference) -> GroupKey:
        return key_of(exchange.route, difference, self._redactor)

    def _verdict(self, exchange: Exchange, verdict: Verdict, reason: str = "") -> Judged:
        return Judged(self._clock.now(), exchange.route, verdict, str(reason))

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now(), UTC).date()
