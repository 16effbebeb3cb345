"""What must never be in the journal is refused by its tables, whoever writes it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.testing import an_intent, done
from tests.contracts.journals import KEYS, NOW, ROOM, control_row

UNSOUND = (
    "number = 0", "id = ''", "epoch = 0", "target = origin", "lanes = '{}'", "after = -1", "after = number",
    "completion = after", "completion = horizon + 1", "completion = NULL", "state = 'lost'", "state = 'applied'",
    "settled_at = now()",
)  # fmt: skip
EARLIER = """
ALTER TABLE cutover.journal_entry DROP CONSTRAINT journal_entry_sound,
    ADD CHECK (number > 0), ADD CHECK (target <> origin), ADD UNIQUE (completion);
DROP INDEX cutover.journal_completion, cutover.journal_to_purge;
CREATE INDEX journal_settled ON cutover.journal_entry (settled_at) WHERE request IS NOT NULL;
CREATE INDEX journal_answer_key ON cutover.journal_entry (answer_with) WHERE answer IS NOT NULL;
CREATE INDEX journal_standby_key ON cutover.journal_entry (standby_with) WHERE standby_answer IS NOT NULL;
"""
CHECKS = (
    "SELECT conname FROM pg_constraint WHERE conrelid = 'cutover.journal_entry'::regclass AND contype IN ('c', 'u')"
)


@pytest.fixture
async def journal(fresh_database: Callable[[], str]) -> str:
    """Its URL; it has one entry, which is done."""
    url = fresh_database()
    control_row(url)
    async with await ReplayJournal.open(url, KEYS) as opened:
        await opened.append([an_intent("i-1", "a")], NOW)
        await opened.outcomes([done("i-1")])
    return url


def changed(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.mark.parametrize("change", UNSOUND)
def test_an_entry_that_cannot_be_is_refused(journal: str, change: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityError):
        changed(journal, f"UPDATE cutover.journal_entry SET {change}")


def test_two_entries_never_have_the_same_completion(journal: str) -> None:
    changed(journal, "UPDATE cutover.journal_entry SET horizon = 3")
    with pytest.raises(psycopg.errors.UniqueViolation, match="journal_completion"):
        changed(journal, f"INSERT INTO cutover.journal_entry SELECT (e).* FROM ({_ANOTHER}) x")


_ANOTHER = 'SELECT jsonb_populate_record(e, \'{"number": 2, "id": "i-2"}\') AS e FROM cutover.journal_entry e'


async def test_a_journal_of_an_earlier_version_gets_the_rules_of_this_one(journal: str) -> None:
    with psycopg.connect(journal, autocommit=True) as connection:
        new = connection.execute(CHECKS.encode()).fetchall()
        indexes = connection.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'journal_entry'").fetchall()
        connection.execute(EARLIER.encode())
        await (await ReplayJournal.open(journal, KEYS)).close()
        assert sorted(connection.execute(CHECKS.encode()).fetchall()) == sorted(new)
        now = connection.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'journal_entry'").fetchall()
        assert sorted(now) == sorted(indexes)
    with pytest.raises(psycopg.errors.IntegrityError):
        changed(journal, "UPDATE cutover.journal_entry SET id = ''")


async def test_a_journal_of_an_earlier_version_gets_the_columns_of_this_one(journal: str) -> None:
    changed(journal, "ALTER TABLE cutover.journal_entry DROP COLUMN appended_by, DROP COLUMN unanswered")
    changed(journal, "ALTER TABLE cutover.journal_sending DROP COLUMN ahead")
    async with await ReplayJournal.open(journal, KEYS) as opened:
        await opened.append([an_intent("i-2", "a")], NOW)
        assert await opened.lead("me", 0, 60) == 1
        _, claimed = await opened.turn(1, [], ROOM)
        assert [entry.number for entry in claimed] == [1]
        assert [entry.unanswered for entry in await opened.open_entries()] == [False, False]
