"""A journal that has run for months answers as quickly as a new one: no statement looks at all that is settled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import psycopg
import pytest

from shadow.dualwrite import session
from shadow.dualwrite.admission import NEWEST, Admitted, Settlement
from shadow.dualwrite.entry import Outcome, State
from shadow.dualwrite.journal import described
from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.statements import QUERIES
from shadow.dualwrite.testing import an_intent, done
from tests.contracts.journals import KEYS, NOW, ROOM, control_row
from tests.shadow.dualwrite.mutations import break_statements

SETTLED = 10_000
_SETTLED = """
INSERT INTO cutover.journal_entry (number, id, epoch, origin, target, route, lanes, at, forward_by, after, completion,
    horizon, state, ended, settled_at, client, fingerprint, sealed_with, request, answer, answer_with)
SELECT n, 'settled-' || n, 1, 'old', 'new', 'r', ARRAY['cadets/' || n %% 100], n, n, n - 1, n, n, 'applied', true,
    now(), 'client-' || n %% 100, 'f', 'k1', '\\x00', '\\x00', 'k1' FROM generate_series(1, %s) n
"""
_POSITION = "UPDATE cutover.journal_position SET number = %s, completion = %s"
_LOOKED_AT = """
SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::int FROM pg_stat_xact_user_tables WHERE relname = 'journal_entry'
"""
VALUES: dict[str, Any] = {
    "answer": "", "answers": [], "apart": [], "batch": "[]", "before": NOW, "by_id": [], "client": "client-7",
    "completion": SETTLED + 9, "deadline": NOW + 9, "epoch": 1, "fence": None, "healed": [],
    "holder": "me", "id": "held", "ids": ["i-1"],
    "lanes": ["cadets/1"], "lease": 9.0, "most": 100, "now": NOW, "number": SETTLED + 1, "numbers": [SETTLED + 1],
    "older_than": 60.0, "one_by_one": [], "reason": "", "requests": [], "seconds": 5.0, "targets": ["new"], "term": 1,
    "under_way": [], "up_to": NEWEST, "presence": session.PRESENCE, "writers": [1],
}  # fmt: skip
# Once a minute what is due, and when a person asks for it.
OF_THE_WHOLE = {"purge", "erase"}
MANY = range(5)  # from here on a batch takes another way


def batch(*items: dict[str, Any]) -> dict[str, Any]:
    return {"batch": orjson.dumps(items).decode(), "requests": [b"sealed"] * 5, "answers": [None] * 5}


WITH_OTHER_VALUES: dict[str, dict[str, Any]] = {
    "append": batch(*[described(an_intent(f"new-{n}", f"new/{n}"), "k1", 1) for n in MANY]),
    "outcomes": batch(*[{"id": f"i-{n + 1}", "state": "done", "reason": "", "ended": True} for n in MANY]),
    "settle": batch(*[{"number": SETTLED + n, "act": "applied", "reason": "", "retry_at": 0} for n in MANY]),
    "answer_heal": {"id": 1},
    "heal_answer": {"id": 1},
    "entries_in": {"before": 0, "states": ["done"]},
    "entries_differed": {"before": SETTLED},
}


@pytest.fixture
async def old_journal(fresh_database: Callable[[], str]) -> str:
    """Ten thousand writes are settled, ten are not, and a lane is held."""
    url = fresh_database()
    control_row(url)
    async with await ReplayJournal.open(url, KEYS) as journal:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_SETTLED, [SETTLED])
            connection.execute(_POSITION, [SETTLED, SETTLED])
            connection.execute("VACUUM ANALYZE cutover.journal_entry")
        await journal.lead("me", 0, 60)
        for number in range(1, 11):
            await journal.append([an_intent(f"i-{number}", f"cadets/{number}")], NOW)
            await journal.outcomes([done(f"i-{number}")])
        await journal.hold("held", ["cadets/1"], 60)
    return url


async def test_no_statement_looks_at_all_that_is_settled(old_journal: str) -> None:
    looked: dict[str, int] = {}
    with psycopg.connect(old_journal) as connection:
        connection.execute(session._BY_INDEX)
        connection.commit()
        for name in QUERIES.keys() - OF_THE_WHOLE:
            ((before,),) = connection.execute(_LOOKED_AT).fetchall()
            if name == "append":
                connection.execute("DELETE FROM cutover.journal_hold")  # with holds it looks at one after the other
            connection.execute(QUERIES[name].encode(), {**VALUES, **WITH_OTHER_VALUES.get(name, {})})
            ((after,),) = connection.execute(_LOOKED_AT).fetchall()
            looked[name] = after - before
            connection.rollback()
    assert {name: count for name, count in looked.items() if count > 100} == {}
    assert looked["open_entries"] == 10, "what is counted is what was looked at"
    assert (looked["open_in"], looked["unknown_entries"]) == (1, 0), "a long backlog is not looked at whole, either"


async def test_a_hold_waits_for_what_is_just_being_admitted_and_sees_it(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    control_row(url)
    admitting = "SELECT FROM cutover.control FOR UPDATE"
    async with await ReplayJournal.open(url, KEYS) as writer, await ReplayJournal.open(url, KEYS) as healer:
        async with await psycopg.AsyncConnection.connect(url) as admission:
            await admission.execute(admitting)
            holding = asyncio.create_task(healer.hold("heal", ["cadets"], 60))
            appending = asyncio.create_task(writer.append([an_intent("i-1", "cadets/1")], NOW))
            done_early, _ = await asyncio.wait({holding, appending}, timeout=0.2)
            assert not done_early
        await holding
        (answer,) = await appending
        admitted = isinstance(answer, Admitted)
        assert (await healer.under_way("heal", NOW) == [1]) is admitted, "seen, or not admitted"


async def test_a_hold_waits_for_what_is_just_being_claimed_and_sees_it(fresh_database: Callable[[], str]) -> None:
    """By another leader than the one that heals, which was frozen for a while."""
    url = fresh_database()
    control_row(url)
    async with await ReplayJournal.open(url, KEYS) as journal, await psycopg.AsyncConnection.connect(url) as leader:
        await journal.append([an_intent("i-1", "cadets/1")], NOW)
        await journal.outcomes([done("i-1")])
        await journal.lead("me", 0, 60)
        claiming = "SELECT number FROM cutover.journal_take(1, 9, '{new}', '{}', '{}', '{}', %s, %s)"
        claimed = await (await leader.execute(claiming, [NOW, NOW + 60])).fetchall()
        assert claimed == [(1,)]
        holding = asyncio.create_task(journal.hold("heal", ["cadets"], 60))
        done_early, _ = await asyncio.wait({holding}, timeout=0.2)
        assert not done_early
        await leader.commit()
        await holding
        assert await journal.under_way("heal", NOW) == [1]


async def test_a_hold_that_lapses_while_something_is_being_admitted_is_not_renewed(
    fresh_database: Callable[[], str],
) -> None:
    url = fresh_database()
    control_row(url)
    async with await ReplayJournal.open(url, KEYS) as healer, await psycopg.AsyncConnection.connect(url) as admission:
        await healer.hold("heal", ["cadets"], 0.2)
        await admission.execute("SELECT FROM cutover.control FOR UPDATE")
        renewing = asyncio.create_task(healer.renew("heal", ["cadets"], 60))
        await asyncio.sleep(0.4)
        await admission.rollback()
        assert not await renewing


async def test_a_hold_is_not_renewed_while_something_is_being_claimed_in_it(fresh_database: Callable[[], str]) -> None:
    """By another leader, which found it lapsed."""
    url = fresh_database()
    control_row(url)
    async with await ReplayJournal.open(url, KEYS) as journal, await psycopg.AsyncConnection.connect(url) as leader:
        await journal.hold("heal", ["cadets"], 0.2)
        await leader.execute("SELECT FROM cutover.journal_replayer FOR SHARE")
        renewing = asyncio.create_task(journal.renew("heal", ["cadets"], 60))
        done_early, _ = await asyncio.wait({renewing}, timeout=0.4)
        assert not done_early
        await leader.commit()
        assert not await renewing


async def test_whoever_becomes_leader_sees_what_the_one_before_is_just_claiming(
    fresh_database: Callable[[], str],
) -> None:
    url = fresh_database()
    control_row(url)
    async with await ReplayJournal.open(url, KEYS) as journal, await psycopg.AsyncConnection.connect(url) as before:
        await journal.append([an_intent("i-1", "cadets/1")], NOW)
        await journal.outcomes([done("i-1")])
        await journal.lead("before", 0, 0.1)
        claiming = "SELECT number FROM cutover.journal_take(1, 9, '{new}', '{}', '{}', '{}', %s, %s)"
        assert await (await before.execute(claiming, [NOW, NOW + 60])).fetchall() == [(1,)]
        await asyncio.sleep(0.2)
        leading = asyncio.create_task(journal.lead("me", 0, 60))
        await asyncio.sleep(0.2)
        await before.commit()
        assert await leading == 2
        assert [entry.unanswered for entry in await journal.open_entries()] == [True]


async def test_a_leader_whose_lease_had_lapsed_leads_under_a_new_term(fresh_database: Callable[[], str]) -> None:
    control_row(url := fresh_database())
    async with await ReplayJournal.open(url, KEYS) as journal:
        assert await journal.lead("me", 0, 60) == 1
        assert await journal.lead("me", 1, 0.05) == 1
        await asyncio.sleep(0.1)
        assert await journal.lead("me", 1, 60) == 2


async def test_who_commits_both_at_once_and_who_commits_intents_alone_never_wait_for_each_other_in_a_ring(
    fresh_database: Callable[[], str],
) -> None:
    control_row(url := fresh_database())

    async def commits(journal: ReplayJournal, name: str, *, together: bool) -> None:
        ended: list[Outcome] = []
        for turn in range(100):
            if not together:
                ended = ended and await journal.outcomes(ended) and []
            _, (admitted,) = await journal.commit(ended, [an_intent(f"{name}-{turn}", name)], NOW)
            assert isinstance(admitted, Admitted)
            ended = [done(f"{name}-{turn}")]

    async with await ReplayJournal.open(url, KEYS) as one, await ReplayJournal.open(url, KEYS) as other:
        await asyncio.gather(commits(one, "a", together=True), commits(other, "b", together=False))
        assert await one.position() == (200, 198)


async def test_what_completes_while_a_claim_looks_is_claimed_in_its_order_or_not_at_all(
    fresh_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    between = "    WITH clock AS MATERIALIZED"
    break_statements(monkeypatch, between, f"    PERFORM pg_sleep(0.5);\n{between}")
    control_row(url := fresh_database())
    async with await ReplayJournal.open(url, KEYS) as writer, await ReplayJournal.open(url, KEYS) as replayer:
        await replayer.lead("me", 0, 60)
        claiming = asyncio.create_task(replayer.turn(1, [], ROOM))
        await asyncio.sleep(0.2)
        for number in (1, 2):
            await writer.append([an_intent(f"i-{number}", "a")], NOW)
            await writer.outcomes([done(f"i-{number}")])
        assert [entry.number for entry in (await claiming)[1]] == [1, 2]
        claiming = asyncio.create_task(
            replayer.turn(1, [Settlement(1, State.APPLIED), Settlement(2, State.APPLIED)], ROOM)
        )
        await asyncio.sleep(0.2)
        await writer.append([an_intent("i-3", "a")], NOW)
        await writer.outcomes([Outcome("i-3", State.UNKNOWN)])
        await writer.append([an_intent("i-4", "a")], NOW)
        await writer.outcomes([done("i-4")])
        assert (await claiming)[1] == [], "it waits for what is unknown in its lane"
