"""A batch of intents is answered as its intents would be one by one, whichever way it takes through the statement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shadow.dualwrite.admission import Admission, Admitted, Refused
from shadow.dualwrite.entry import Intent
from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.testing import InMemoryJournal, an_intent
from tests.contracts.journals import KEYS, NOW, control_row

LANE = st.sampled_from(("a", "a/1", "a/1/x", "a-1", "b/1", "", *[f"c/{number}" for number in range(60)]))
CLAIMED = """
SELECT e.id, count(*) FROM cutover.journal_lane l JOIN cutover.journal_entry e USING (number) WHERE l.claimed GROUP BY 1
"""
CLEAR = """
TRUNCATE cutover.journal_entry, cutover.journal_lane, cutover.journal_waiting, cutover.journal_sending;
UPDATE cutover.journal_position SET number = 0, completion = 0;
"""


@st.composite
def intents(draw: st.DrawFn, most: int = 12) -> list[Intent]:
    """Intents of one batch: some ask again under their id, bring a key, or come from before a flip."""
    found = []
    for place in range(draw(st.integers(min(most, 5), most))):
        id = f"i-{draw(st.integers(0, place))}" if draw(st.integers(0, 5)) == 0 else f"i-{place}"
        key = draw(st.sampled_from((None, None, "k1")))
        lanes = draw(st.lists(LANE, min_size=1, max_size=2))
        epoch = 2 if draw(st.integers(0, 9)) == 0 else 1
        found.append(an_intent(id, *lanes, epoch=epoch, key=key, client="c", fingerprint=f"of {id}"))
    return found


def told(answers: list[Admission]) -> list[object]:
    """What was answered, without the numbers."""
    return [answer.why if isinstance(answer, Refused) else type(answer) for answer in answers]


@pytest.fixture
def url(fresh_database: Callable[[], str]) -> str:
    made = fresh_database()
    control_row(made)
    return made


@given(before=intents(2), batch=intents())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_batch_is_answered_as_by_the_journal_that_looks_at_one_after_the_other(
    url: str, before: list[Intent], batch: list[Intent]
) -> None:
    fake = InMemoryJournal()

    async def both() -> None:
        async with await ReplayJournal.open(url, KEYS) as journal:
            for intent in before:
                assert told(await journal.append([intent], NOW)) == told(await fake.append([intent], NOW))
            answers = await journal.append(batch, NOW)
            assert told(answers) == told(await fake.append(batch, NOW))
            numbers = {answer.number for answer in answers if isinstance(answer, Admitted)}
            whole = await journal.entries(sorted(numbers))
            asked = {intent.id: intent for intent in [*batch, *before]}
            for entry in whole:
                assert entry.request == asked[entry.id].request
                assert entry.client == "c"
            assert (await journal.position())[0] == len(fake.all)

    asyncio.run(both())
    with psycopg.connect(url, autocommit=True) as connection:
        claimed = connection.execute(CLAIMED).fetchall()
        assert sorted(claimed) == sorted((entry.id, len(entry.lanes)) for entry in fake.all.values())
        connection.execute(CLEAR)
