from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from shadow import judging
from shadow.answer import Answer, AskFailed, Reason
from shadow.asking import Asking
from shadow.breaker import FAILURES
from shadow.compare.verdict import Verdict
from shadow.dualwrite.session import JournalUnavailable
from shadow.dualwrite.tail import Position
from shadow.exchange import Exchange
from shadow.judging import Judge
from shadow.settings import CompareSettings, MirrorSettings, Rule, RuleKind
from shadow.testing import InMemoryLedger, ScriptedSender, TurnedClock, an_answer, an_exchange, answered, targets
from tests.shadow.counting import Moved

BACKENDS = targets([("old", "http://old"), ("new", "http://new")])


def says(**fields: Any) -> Answer:
    return an_answer(orjson.dumps(fields))


class Court:
    """A judge with everything around it in memory. `old` is the active backend."""

    def __init__(
        self,
        old: Sequence[Answer | AskFailed] = (),
        new: Sequence[Answer | AskFailed] = (),
        rate: float = 200,
        positions: Sequence[Position | JournalUnavailable] = (),
        **compare: Any,
    ) -> None:
        self.positions = list(positions)
        self.sender = ScriptedSender({"old": old, "new": new})
        self.settings = CompareSettings(**{"noise_percent": 0} | compare)
        self.ledger = InMemoryLedger(self.settings)
        self.clock = TurnedClock()
        self.changes: list[tuple[str, bool]] = []
        self.asking = Asking(
            self.sender, BACKENDS, self.clock, lambda name, is_open: self.changes.append((name, is_open))
        )
        position = self.position if positions else None
        self.judge = Judge(self.asking, self.ledger, self.clock, MirrorSettings(rate=rate), self.settings, position)

    async def position(self) -> Position:
        found = self.positions.pop(0) if len(self.positions) > 1 else self.positions[0]
        if isinstance(found, Exception):
            raise found
        return found

    async def verdict(self, exchange: Exchange) -> Verdict:
        await self.judge.judge(exchange)
        return self.ledger.judged[-1].verdict


READ = answered(an_exchange(), says(name="Alice"))


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ([says(name="Alice")], [], Verdict.MATCHED),
        ([says(name="Bob")], [says(name="Alice")], Verdict.MISMATCHED),
        ([says(name="Bob"), says(name="Alice")], [says(name="Alice")], Verdict.MOVING),
        ([says(name="Bob"), says(name="Alice", more=1)], [says(name="Alice")], Verdict.MOVING),
        ([says(name="Bob")], [says(name="Carol")], Verdict.NOISE),  # the active one said Alice before
        ([AskFailed(Reason.TIMEOUT)], [], Verdict.FAILED),
        ([AskFailed(Reason.REFUSED)], [], Verdict.FAILED),
        ([AskFailed(Reason.TOO_LARGE)], [], Verdict.NOT_COMPARED),
        ([an_answer(b"x", content_encoding="br")], [], Verdict.NOT_COMPARED),
        ([says(name="Bob"), AskFailed(Reason.TIMEOUT)], [says(name="Alice")], Verdict.NOT_COMPARED),
        ([says(name="Bob")], [AskFailed(Reason.TIMEOUT)], Verdict.NOT_COMPARED),
        ([says(name="Bob"), an_answer(b"x", content_encoding="br")], [says(name="Alice")], Verdict.NOT_COMPARED),
    ],
)
async def test_an_exchange_gets_its_verdict(new: list[Any], old: list[Any], expected: Verdict) -> None:
    moved = Moved()
    assert await Court(old, new).verdict(READ) is expected
    assert moved.verdicts() == {expected.value: 1}


@pytest.mark.parametrize(
    ("active", "standby", "positions", "expected"),
    [
        (["A"], ["B"], [Position(7)], Verdict.MISMATCHED),
        (["A"], ["B", "A"], [Position(7, 6), Position(7)], Verdict.MOVING),  # the standby was late, and has caught up
        (["A"], ["B"], [Position(7, 6), Position(9, 8)], Verdict.MISMATCHED),  # what came later is no excuse
        (["A", "C", "C", "C"], ["B", "C"], [Position(7)], Verdict.MOVING),  # a write fell in between
        (["A", "C", "C", "C"], ["B", "B"], [Position(7)], Verdict.MISMATCHED),
        (["A"], ["B"], [JournalUnavailable("gone")], Verdict.NOT_COMPARED),
    ],
)
async def test_a_difference_is_confirmed_at_a_position_of_the_journal(
    active: list[str], standby: list[str], positions: list[Any], expected: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """design.md section 6: a standby that still has writes to come is not wrong."""
    monkeypatch.setattr(judging, "BREATH", 0.0)
    court = Court([says(name=x) for x in active], [says(name=x) for x in standby], positions=positions)
    assert await court.verdict(answered(an_exchange(), says(name="A"))) is expected


async def test_a_standby_that_never_catches_up_is_not_called_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "CATCH_UP", -1.0)
    court = Court([says(name="A")], [says(name="B")], positions=[Position(7, 6)])
    assert await court.verdict(answered(an_exchange(), says(name="A"))) is Verdict.MOVING


async def test_only_what_differs_twice_in_the_same_place_is_reported() -> None:
    old = [says(name="Alice", rank="Sgt", at=2)]
    new = [says(name="Bob", rank="Cpt", at=1), says(name="Bob", rank="Sgt", at=2)]
    court = Court(old, new)
    await court.verdict(answered(an_exchange(), says(name="Alice", rank="Sgt", at=1)))
    (judged,) = court.ledger.judged
    assert [mismatch.key.pattern for mismatch in judged.mismatches] == ["$.name"]
    assert [proposal.pattern for proposal in judged.noise] == ["$.at"]


async def test_sides_are_told_by_role_also_when_the_standby_served_the_client() -> None:
    weighted = answered(an_exchange(served="new", mirrored="old"), says(name="standby"))
    court = Court(old=[says(name="active")], new=[says(name="standby")])
    await court.verdict(weighted)
    (group,) = await court.ledger.groups()
    detail = await court.ledger.group(group.id)
    assert detail is not None
    assert (detail.examples[0].active, detail.examples[0].standby) == ('"active"', '"standby"')
    assert [name for name, _ in court.sender.asked] == ["old", "old", "new"]


async def test_a_flip_swaps_the_sides_and_nothing_else() -> None:
    flipped = answered(an_exchange(active="new", served="new", mirrored="old", epoch=2), says(total=1))
    status = Rule(name="s", kind=RuleKind.IGNORE, reason="r", paths=("$.total",))
    court = Court(old=[says(total="1")], new=[], rules=(status,))
    assert await court.verdict(flipped) is Verdict.IGNORED


async def test_a_matched_answer_is_asked_for_once_only() -> None:
    court = Court(new=[says(name="Alice")])
    await court.verdict(READ)
    assert [name for name, _ in court.sender.asked] == ["new"]


async def test_sampled_matches_show_where_the_active_backend_disagrees_with_itself() -> None:
    old = [says(name="Alice", up=2)]
    rule = Rule(name="up", kind=RuleKind.IGNORE, reason="r", paths=("$.other",))
    court = Court(old, [says(name="Alice", up=1)], noise_percent=100, rules=(rule,))
    assert await court.verdict(answered(an_exchange(), says(name="Alice", up=1))) is Verdict.MATCHED
    (report,) = await court.ledger.noise()
    assert (report.route, report.pattern, report.count) == (READ.route, "$.up", 1)


async def test_an_answer_that_only_says_not_modified_is_asked_for_again_in_full() -> None:
    unmodified = answered(an_exchange(), Answer(304, ((b"etag", b'"x"'),), b""))
    assert await Court([says(a=1)], [says(a=1)]).verdict(unmodified) is Verdict.MATCHED
    assert await Court([says(a=1)], [says(a=2)]).verdict(unmodified) is Verdict.MISMATCHED


async def test_a_part_of_an_answer_is_not_compared_and_costs_nothing() -> None:
    court = Court()
    assert await court.verdict(answered(an_exchange(), Answer(206, (), b"part"))) is Verdict.NOT_COMPARED
    assert court.ledger.judged[0].reason == "partial"
    assert court.sender.asked == []


async def test_second_asks_are_rationed_and_known_groups_are_believed_meanwhile() -> None:
    court = Court([says(name="Alice", rank=1)], [says(name="Bob", rank=1)], rate=20)  # two second asks a second
    assert [await court.verdict(READ_WITH_RANK) for _ in range(4)] == [Verdict.MISMATCHED] * 4
    assert court.sender.asked_of("old") == 2
    unknown = Court([says(name="Alice")], [says(name="Alice")], rate=20)
    for _ in range(2):
        await unknown.verdict(answered(an_exchange(), says(name="Bob")))
    assert await unknown.verdict(answered(an_exchange(), says(name="Bob"))) is Verdict.NOT_COMPARED
    assert unknown.ledger.judged[-1].reason == "unconfirmed"
    unknown.clock.turn(0.5)
    assert await unknown.verdict(answered(an_exchange(), says(name="Bob"))) is not Verdict.NOT_COMPARED


READ_WITH_RANK = answered(an_exchange(), says(name="Alice", rank=1))


async def test_a_dead_backend_is_left_alone_and_tried_again() -> None:
    court, moved = Court(new=[*[AskFailed(Reason.REFUSED)] * FAILURES, says(name="Alice")]), Moved()
    for _ in range(FAILURES + 10):
        await court.judge.judge(READ)
    assert len(court.sender.asked) == FAILURES
    assert court.asking.left_alone == ["new"]
    court.clock.turn(1.0)
    await court.judge.judge(READ)
    assert court.ledger.judged[-1].verdict is Verdict.MATCHED
    assert court.asking.left_alone == []
    assert moved.skips() == {"breaker_open": 10}
    assert moved.verdicts() == {"failed": FAILURES, "matched": 1}
    assert court.changes == [("new", True), ("new", False)]
    court.asking.close()


async def test_a_probe_that_is_cancelled_does_not_leave_the_backend_alone_for_ever() -> None:
    court = Court(new=[*[AskFailed(Reason.REFUSED)] * FAILURES, says(name="Alice")])
    for _ in range(FAILURES):
        await court.judge.judge(READ)
    court.clock.turn(1.0)
    probe = asyncio.ensure_future(court.judge.judge(READ))
    await asyncio.sleep(0)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    court.clock.turn(2.0)
    assert await court.verdict(READ) is Verdict.MATCHED
    court.asking.close()


async def test_answers_that_are_too_large_do_not_speak_against_the_backend() -> None:
    court = Court(new=[AskFailed(Reason.TOO_LARGE)])
    for _ in range(FAILURES * 3):
        await court.judge.judge(READ)
    assert court.asking.left_alone == []


async def test_a_backend_that_nobody_configured_is_a_failure_and_not_a_crash() -> None:
    assert await Court().verdict(an_exchange(mirrored="other")) is Verdict.FAILED


async def test_a_mistake_of_our_own_is_a_verdict_too() -> None:
    court, moved = Court(), Moved()  # the script is empty, so asking raises something that no sender may raise
    assert await court.verdict(READ) is Verdict.NOT_COMPARED
    assert court.ledger.judged[0].reason == "failed"
    assert moved("cutover_mirror_not_compared_total", "failed") == 1


async def test_new_rules_hold_at_once_and_settle_their_group() -> None:
    court = Court([says(name="Alice")], [says(name="Bob")])
    assert await court.verdict(READ) is Verdict.MISMATCHED
    rule = Rule(name="names-differ", kind=RuleKind.IGNORE, reason="planted", paths=("$.name",))
    court.judge.use(CompareSettings(rules=(rule,), noise_percent=0))
    assert await court.verdict(READ) is Verdict.IGNORED
    (group,) = await court.ledger.groups()
    assert (group.status.value, group.rule) == ("ignored by rule", "names-differ")


async def test_large_answers_are_compared_beside_the_event_loop() -> None:
    rows = [{"id": n, "note": "x" * 50, "value": float(n)} for n in range(20_000)]
    active, standby = says(data=rows), says(data=[*rows[:-1], {"id": -1}])
    court = Court([active], [standby])
    turns, done = 0, False

    async def count_turns() -> None:
        nonlocal turns
        while not done:
            await asyncio.sleep(0.001)
            turns += 1

    counting = asyncio.ensure_future(count_turns())
    assert await court.verdict(answered(an_exchange(), active)) is Verdict.MISMATCHED
    done = True
    await counting
    assert turns > 8


async def test_no_more_examples_are_made_than_are_kept() -> None:
    court = Court([says(name="Alice")], [says(name="Bob")], examples=2)
    for _ in range(5):
        await court.judge.judge(READ)
    made = [mismatch.example is not None for judged in court.ledger.judged for mismatch in judged.mismatches]
    assert made == [True, True, False, False, False]
