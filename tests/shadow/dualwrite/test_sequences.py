"""Sequences are set over one kept connection, whatever becomes of it meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import psycopg
import pytest

from shadow.answer import AskFailed, Reason
from shadow.dualwrite.sequences import Sequences
from tests.support.waiting import eventually_true

CONNECTED = (
    b"SELECT pid FROM pg_stat_activity WHERE application_name = 'cutover sequences' AND datname = current_database()"
)


@pytest.fixture
def url(fresh_database: Callable[[], str]) -> str:
    made = fresh_database()
    asked(made, b"CREATE SEQUENCE things_id_seq")
    return made


@pytest.fixture
async def sequences(url: str) -> AsyncIterator[Sequences]:
    made = Sequences({"old": url, "away": "postgresql://x@127.0.0.1:1/x"})
    yield made
    await made.close()


def asked(url: str, query: bytes) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def drawn(url: str) -> object:
    ((value,),) = asked(url, b"SELECT nextval('things_id_seq')")
    return value


async def test_the_next_value_is_the_one_that_was_set(url: str, sequences: Sequences) -> None:
    for value in (57, 3, 2**40):
        await sequences.set("old", "things_id_seq", value)
        assert drawn(url) == value
    assert len(asked(url, CONNECTED)) == 1


async def test_a_connection_that_broke_is_replaced(url: str, sequences: Sequences) -> None:
    await sequences.set("old", "things_id_seq", 5)
    asked(url, b"SELECT pg_terminate_backend(pid) FROM (" + CONNECTED + b") it")
    await sequences.set("old", "things_id_seq", 9)
    assert drawn(url) == 9


async def test_a_sequence_that_is_not_there_is_refused_and_leaves_the_connection(
    url: str, sequences: Sequences
) -> None:
    await sequences.set("old", "things_id_seq", 5)
    before = asked(url, CONNECTED)
    with pytest.raises(AskFailed, match="others_id_seq cannot be set") as refused:
        await sequences.set("old", "others_id_seq", 5)
    assert refused.value.reason is Reason.REFUSED
    assert asked(url, CONNECTED) == before
    await sequences.set("old", "things_id_seq", 7)
    assert drawn(url) == 7


@pytest.mark.parametrize("backend", ["away", "unknown"])
async def test_a_database_that_cannot_be_had_is_told(sequences: Sequences, backend: str) -> None:
    with pytest.raises(AskFailed, match=f"{backend}: .*things_id_seq") as refused:
        await sequences.set(backend, "things_id_seq", 5)
    assert refused.value.reason is Reason.REFUSED


async def test_what_is_closed_opens_again(url: str, sequences: Sequences) -> None:
    await sequences.set("old", "things_id_seq", 5)
    await sequences.close()
    await eventually_true(lambda: not asked(url, CONNECTED))
    await sequences.set("old", "things_id_seq", 6)
    assert drawn(url) == 6
