"""The wire to PostgreSQL under the journal: what it carries, and when it is hung up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.dualwrite.line import Line, Statement, bytea_array
from shadow.dualwrite.session import JournalSession, JournalUnavailable

ECHO = Statement.of("echo", "SELECT %(text)s::text, %(numbers)s::bigint[], %(texts)s::text[], %(many)b::bytea[]")
SLEEP = Statement.of("sleep", "SELECT pg_sleep(%(seconds)s)")
ONE = Statement.of("one", "SELECT 1::bigint")
VALUES = {"text": "t", "numbers": [1], "texts": ["a"], "many": [b"x"]}


@pytest.fixture
async def line(fresh_database: Callable[[], str]) -> AsyncIterator[Line]:
    made = await Line.connect(fresh_database(), "test", 3)
    yield made
    made.hang_up()


def test_a_name_that_stands_twice_is_one_value() -> None:
    statement = Statement.of("s", "SELECT %(a)s, %(b)b, %(a)s")
    assert (statement.text, statement.values) == (b"SELECT $1, $2, $1", (("a", False), ("b", True)))


@pytest.mark.parametrize(
    "values",
    [
        VALUES,
        {"text": None, "numbers": [], "texts": [], "many": []},
        {
            "text": "é\n\"'\\",
            "numbers": [-(2**63), 2**63 - 1],
            "texts": ["", "a,b", '{"}', "NULL", "\\"],
            "many": [None],
        },
        {"text": "", "numbers": None, "texts": [None, "null"], "many": [b"", None, b"\x00\xff"]},
        {"text": "x" * 2**20, "numbers": [0], "texts": [], "many": [b"\x01" * 25 * 2**20, b"y"]},
    ],
    ids=["plain", "empty", "odd", "nothing", "25 MiB"],
)
async def test_what_is_sent_comes_back(line: Line, values: dict[str, object]) -> None:
    (((text, numbers, texts, many),),) = await line.run(20, (ECHO, values))
    assert (text, numbers, texts) == (values["text"], values["numbers"], values["texts"])
    assert [None if item is None else bytes(item) for item in many] == values["many"]


@given(st.lists(st.none() | st.binary(max_size=20), max_size=5))
def test_an_array_of_bytes_is_as_long_as_it_says(items: list[bytes | None]) -> None:
    written = bytea_array(items)
    assert len(written) == (20 if items else 12) + sum(4 + len(item or b"") for item in items)


async def test_nothing_asked_is_nothing_answered(line: Line) -> None:
    assert await line.run(3) == []
    assert await line.run(3, (ONE, {})) == [[(1,)]]


async def test_an_error_of_the_statement_leaves_the_line_as_it_is(line: Line) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await line.run(3, (Statement.of("bad", "SELECT 1 / %(nought)s::bigint"), {"nought": 0}))
    with pytest.raises(psycopg.errors.UndefinedTable):
        await line.run(3, (Statement.of("none", "SELECT * FROM no_such_table"), {}))
    assert not line.is_lost
    assert await line.run(3, (ONE, {})) == [[(1,)]]


async def test_a_script_is_done_whole_or_not_at_all(line: Line) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await line.script(b"CREATE TABLE made (a int); SELECT 1 / 0", 3)
    with pytest.raises(psycopg.errors.UndefinedTable):
        await line.script(b"SELECT * FROM made", 3)


async def test_no_answer_in_time_hangs_up(line: Line) -> None:
    with pytest.raises(TimeoutError, match=r"no answer within 0\.1 s"):
        await line.run(0.1, (SLEEP, {"seconds": 30}))
    assert line.is_lost


async def test_a_caller_who_leaves_hangs_up_for_nobody_may_get_its_answer(line: Line) -> None:
    asking = asyncio.create_task(line.run(60, (SLEEP, {"seconds": 30})))
    await asyncio.sleep(0.1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert line.is_lost


@pytest.mark.parametrize("while_asked", [True, False])
async def test_a_session_that_the_server_ends_is_lost(fresh_database: Callable[[], str], while_asked: bool) -> None:
    url = fresh_database()
    line = await Line.connect(url, "to be ended", 3)
    asking = asyncio.create_task(line.run(60, (SLEEP, {"seconds": 30}))) if while_asked else None
    await asyncio.sleep(0.1)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'to be ended'"
        )
    if asking is not None:
        with pytest.raises(psycopg.OperationalError):
            await asking
    async with asyncio.timeout(5):
        while not line.is_lost:
            await asyncio.sleep(0.01)


async def test_the_next_question_after_a_loss_has_a_connection_of_its_own(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    session = JournalSession(url, "again", 1.0)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await other.execute("CREATE SCHEMA cutover; CREATE TABLE cutover.journal_position (number int, completion int)")
        await other.execute("INSERT INTO cutover.journal_position VALUES (7, 5)")
        assert await session.run("position") == [(7, 5)]
        async with other.transaction():
            await other.execute("LOCK cutover.journal_position")
            with pytest.raises(JournalUnavailable, match=r"again.*no answer within 1 s"):
                await session.run("position")
        assert await session.run("position") == [(7, 5)]
    await session.close()


async def test_several_statements_are_one_transaction(line: Line) -> None:
    await line.script(b"CREATE TABLE t (a bigint CHECK (a < 3))", 3)
    insert, count = (
        Statement.of("insert", "INSERT INTO t VALUES (%(a)s)"),
        Statement.of("count", "SELECT count(*) FROM t"),
    )
    assert await line.run(3, (insert, {"a": 1}), (count, {}), (insert, {"a": 2}), (count, {})) == [
        [],
        [(1,)],
        [],
        [(2,)],
    ]
    for _ in range(2):  # prepared, and failed, in the one round trip
        with pytest.raises(psycopg.errors.CheckViolation):
            await line.run(3, (insert, {"a": 1}), (Statement.of("again", insert.text.decode().replace("$1", "3")), {}))
        assert await line.run(3, (count, {}), (ONE, {})) == [[(2,)], [(1,)]]
