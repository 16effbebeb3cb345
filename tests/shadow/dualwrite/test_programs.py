"""The stateful model over the real code: any program of writes and faults keeps the promises, on either journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from shadow.dualwrite import resolve
from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.testing import InMemoryJournal, Roles
from tests.contracts.journals import KEYS, change, control_row
from tests.shadow.dualwrite.backends import Stand
from tests.shadow.dualwrite.mutations import CAUGHT_BY_THE_SCHEMA, MUTATIONS, STATEMENTS, break_statements
from tests.shadow.dualwrite.programs import Step, programs, run

TRIES = 20_000  # most are caught within a few dozen; which programs come depends on what else was imported
WIPE = """
    TRUNCATE cutover.journal_entry, cutover.journal_lane, cutover.journal_sending, cutover.journal_waiting,
        cutover.journal_hold;
    UPDATE cutover.journal_position SET number = 0, completion = 0;
    UPDATE cutover.journal_replayer SET term = 0, holder = '', until = '-infinity';
    UPDATE cutover.control SET epoch = 1, fenced_until = NULL, active = '{active}', standby = '{standby}'
"""


@pytest.mark.property_test
@given(program=programs(), active=st.sampled_from(("old", "new")), leaning=st.booleans())
def test_any_program_ends_with_equal_sides(program: list[Step], active: str, leaning: bool) -> None:
    standby = "new" if active == "old" else "old"
    asyncio.run(run(Stand(InMemoryJournal(Roles(1, active, standby)), active=active, leaning=leaning), program))


@pytest.mark.property_test
@pytest.mark.parametrize("active", ["old", "new"])
def test_any_program_ends_with_equal_sides_over_postgres(fresh_database: Callable[[], str], active: str) -> None:
    control_row(url := fresh_database())

    @settings(max_examples=25)
    @given(program=programs())
    def any_program(program: list[Step]) -> None:
        asyncio.run(over_postgres(url, active, program))

    any_program()


async def over_postgres(url: str, active: str, program: list[Step]) -> None:
    async with await ReplayJournal.open(url, KEYS) as journal:
        change(url, WIPE.format(active=active, standby="new" if active == "old" else "old"))
        await run(Stand(journal, active=active), program)


@pytest.mark.property_test
@pytest.mark.parametrize("name", MUTATIONS)
def test_each_way_of_breaking_the_code_breaks_a_promise(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation = MUTATIONS[name]
    standby = "new" if mutation.active == "old" else "old"
    mutation.patch(monkeypatch)
    monkeypatch.setattr(resolve, "LOOK_AGAIN", 0.0)

    @settings(max_examples=TRIES, phases=[Phase.generate], database=None, deadline=None)
    @given(program=programs(mutation.courses, mutation.routes, mutation.faults))
    def any_program(program: list[Step]) -> None:
        journal = InMemoryJournal(Roles(1, mutation.active, standby))
        asyncio.run(run(Stand(journal, active=mutation.active, leaning=mutation.leaning), program))

    with pytest.raises(AssertionError):
        any_program()


@pytest.mark.parametrize("name", STATEMENTS)
def test_each_way_of_breaking_a_statement_breaks_a_promise(
    name: str, fresh_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, broken, program = STATEMENTS[name]
    control_row(url := fresh_database())
    asyncio.run(over_postgres(url, "old", program))
    break_statements(monkeypatch, honest, broken)
    caught = psycopg.errors.ExclusionViolation if name in CAUGHT_BY_THE_SCHEMA else AssertionError
    with pytest.raises(caught):
        asyncio.run(over_postgres(url, "old", program))
