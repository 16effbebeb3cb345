"""What every journal promises to whoever carries rows."""

from __future__ import annotations

from collections.abc import Callable

from shadow.dualwrite.admission import Admitted, Refused, Settlement, Why
from shadow.dualwrite.entry import Entry, Outcome, State
from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.testing import an_intent, done
from tests.contracts.journals import KEYS, NOW, Stage, change, control_row


async def test_what_is_open_is_found_by_its_lanes_its_age_and_its_state(stage: Stage) -> None:
    await stage.write("i-1", "a/1")
    await stage.journal.append([an_intent("i-2", "b"), an_intent("i-3", "a/2"), an_intent("i-4", "c")], NOW)
    await stage.journal.outcomes([Outcome("i-4", State.UNKNOWN), Outcome("i-2", State.FAILED)])

    def numbers(entries: list[Entry]) -> list[int]:
        return [entry.number for entry in entries]

    assert numbers(await stage.journal.open_entries()) == [1, 3, 4]
    assert numbers(await stage.journal.open_entries(up_to=3)) == [1, 3]
    assert numbers(await stage.journal.open_entries(most=1)) == [1]
    assert numbers(await stage.journal.open_in(["a"])) == [1, 3]
    assert numbers(await stage.journal.open_in(["a/1/x", "b", "c"])) == [1, 4]
    assert numbers(await stage.journal.unknown_entries()) == [4]


async def test_heal_holds_its_lanes_and_settles_what_its_rows_stand_for(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.journal.append([an_intent("i-1", "a")], NOW)
    await stage.journal.outcomes([Outcome("i-1", State.UNKNOWN, ended=True)])
    await stage.write("i-2", "a")
    beside = await stage.write("i-3", "b")
    await stage.journal.hold("h", ["a"], 60)
    assert await stage.journal.append([an_intent("i-4", "a/1")], NOW) == [Refused(Why.QUEUED, 1)]
    assert await stage.journal.under_way("h", NOW) == []
    _, completion = await stage.journal.position()
    assert await stage.journal.heal("h", ["a"], completion) == [1, 2]
    await stage.journal.release("h")
    assert await stage.claim() == [beside]
    assert isinstance((await stage.journal.append([an_intent("i-4", "a/1")], NOW))[0], Admitted)


async def test_a_hold_that_was_let_go_is_not_renewed(stage: Stage) -> None:
    await stage.journal.hold("h", ["a", "b/1"], 60)
    assert await stage.journal.renew("h", ["a", "b/1"], 60)
    assert not await stage.journal.renew("h", ["a", "c"], 60)
    await stage.journal.release("h")
    assert not await stage.journal.renew("h", ["a"], 60)


async def test_a_hold_that_ended_by_itself_is_not_renewed(fresh_database: Callable[[], str]) -> None:
    """Its holder was frozen meanwhile: others have been admitted in its lanes."""
    url = fresh_database()
    control_row(url)
    async with await ReplayJournal.open(url, KEYS) as journal:
        await journal.hold("h", ["a"], 60)
        change(url, "UPDATE cutover.journal_hold SET until = now() - interval '1s'")
        assert isinstance((await journal.append([an_intent("i-1", "a")], NOW))[0], Admitted)
        assert not await journal.renew("h", ["a"], 60)


async def test_heal_sees_what_is_still_under_way(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a/1")
    await stage.claim()
    await stage.journal.append([an_intent("i-2", "a/2"), an_intent("i-3", "b")], NOW)
    await stage.journal.hold("h", ["a"], 60)
    assert await stage.journal.under_way("h", NOW) == [1, 2]
    await stage.journal.outcomes([done("i-2")])
    await stage.journal.settle(1, [Settlement(1, "lost")])
    assert await stage.journal.under_way("h", NOW) == [1]
    assert await stage.journal.under_way("h", NOW + 31) == []
    assert await stage.journal.heal("h", ["a"], 1) == [1]
    assert await stage.journal.heal("h", ["a"], 9) == [2]
    assert await stage.journal.orphans(1) == []


async def test_heal_settles_nothing_whose_rows_were_not_all_carried(stage: Stage) -> None:
    """More may be held than was carried in the end, and an entry may have been taken along by one lane of several."""
    await stage.write("i-1", "a/1", "b")
    await stage.write("i-2", "b")
    await stage.write("i-3", "c")
    await stage.write("i-4", "a")
    await stage.journal.hold("h", ["a", "b", "c"], 60)
    assert await stage.journal.heal("h", ["c", "d"], 9) is None, "d was not held"
    assert await stage.journal.heal("h", ["c"], 9) == [3]
    assert await stage.journal.heal("h", ["a"], 9) == [4]
    assert await stage.journal.heal("h", ["a", "b"], 9) == [1, 2]


async def test_heal_leaves_what_the_active_side_itself_lacks(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")
    await stage.claim()
    await stage.journal.settle(1, [Settlement(1, State.PARKED)])
    await stage.flip()
    await stage.journal.hold("h", ["a"], 60)
    assert await stage.journal.under_way("h", NOW) == [1]
    assert await stage.journal.heal("h", ["a"], 9) == []


async def test_counts_say_what_waits_and_since_when(stage: Stage) -> None:
    await stage.write("i-1", "a", at=NOW - 5)
    await stage.journal.append([an_intent("i-2", "b")], NOW)
    assert await stage.journal.counts() == {State.DONE: (1, NOW - 5), State.INTENT: (1, NOW)}
