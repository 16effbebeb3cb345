"""What a durable write costs: appends a second and their latency, alone and 32 at once, in groups and one by one.

Run: python -m bench.journal [seconds]
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg

import proxy
from proxy.embedded import EmbeddedPostgres, ensure_database
from shadow.answer import Answer
from shadow.dualwrite.admission import Admitted
from shadow.dualwrite.client import JournalClient
from shadow.dualwrite.dialled import over_socket
from shadow.dualwrite.entry import Intent, Outcome, Request, State
from shadow.dualwrite.inside import inside
from shadow.dualwrite.listener import JournalListener
from shadow.dualwrite.sealing import Keyring
from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.writer import JournalWriter

KEYS = Keyring({"bench": b"b" * 32}, "bench")
BODY = b"x" * 1400
ANSWER = Answer(201, ((b"content-type", b"application/json"),), b"y" * 400)
Step = Callable[[int], Awaitable[None]]


def an_intent(number: int) -> Intent:
    now = time.time()
    request = Request("POST", b"/api/v1/cadets", b"bench", ((b"content-type", b"application/json"),), BODY)
    return Intent(f"bench-{number}", 1, now, now + 10, "POST /api/v1/cadets", (f"cadets/{number}",), request,
                  wait_until=now + 10)  # fmt: skip


async def measured(name: str, step: Step, at_once: int, seconds: float) -> None:
    """Repeat the step from this many tasks and print what came of it."""
    numbers, took, until = itertools.count(1), [], time.perf_counter() + seconds
    offset = int(time.time() * 1000) * 1_000_000

    async def worker() -> None:
        while (started := time.perf_counter()) < until:
            await step(offset + next(numbers))
            took.append((time.perf_counter() - started) * 1000)

    await asyncio.gather(*(worker() for _ in range(at_once)))
    cuts = statistics.quantiles(took, n=100)
    rate = f"{len(took) / seconds:>7.0f}/s"
    print(f"{name:<46} {at_once:>3} at once  {rate}  p50 {cuts[49]:6.2f} ms  p99 {cuts[98]:6.2f} ms")


async def run(url: str, socket: Path, seconds: float) -> None:
    """All measures, one after the other."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(Path(proxy.__file__).with_name("schema.sql").read_bytes())
        connection.execute(
            "INSERT INTO cutover.control (epoch, active, standby, phase) VALUES (1, 'a', 'b', 'ramping')"
        )
    await baseline(url, seconds)
    async with await ReplayJournal.open(url, KEYS) as journal:
        await one_by_one(journal, seconds)
        writer = JournalWriter(journal)
        listener = JournalListener(socket, writer)
        task = asyncio.create_task(listener.run())
        await listener.ready.wait()
        for dial in (over_socket(socket), inside(writer)):
            client = JournalClient(dial)
            client.start()
            await client.connected_within(5)
            print(dial.__qualname__.partition(".")[0].replace("_", " "))
            await in_groups(client, seconds)
            await client.stop()
        writer.stop()
        await task


async def baseline(url: str, seconds: float) -> None:
    """What this machine gives for the plainest durable row of the same size: everything else is read against it."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as session:
        await session.execute("CREATE TABLE plain (number bigint PRIMARY KEY, body bytea)")

        async def insert(number: int) -> None:
            await session.execute("INSERT INTO plain VALUES (%s, %s)", [number, BODY])

        await measured("a plain INSERT, one commit each", insert, 1, seconds)


async def one_by_one(journal: ReplayJournal, seconds: float) -> None:
    """Each append a commit of its own, over one connection."""

    async def append(number: int) -> None:
        (answer,) = await journal.append([an_intent(number)], time.time())
        assert isinstance(answer, Admitted)

    for at_once in (1, 32):
        await measured("intent, one commit each", append, at_once, seconds)


async def in_groups(client: JournalClient, seconds: float) -> None:
    """Through the writer: what an edge pays."""

    async def intent(number: int) -> None:
        assert isinstance(await client.intent(an_intent(number)), Admitted)

    async def write(number: int) -> None:
        await intent(number)
        await client.outcome(Outcome(f"bench-{number}", State.DONE, ANSWER))

    for at_once in (1, 32):
        await measured("intent, through the writer", intent, at_once, seconds)
    for at_once in (1, 32):
        await measured("whole write (intent + outcome)", write, at_once, seconds)


def main() -> None:
    """Measure on a PostgreSQL of our own."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    with tempfile.TemporaryDirectory(prefix="cutover-bench-") as name, EmbeddedPostgres() as server:
        directory = Path(name)
        directory.chmod(0o711)  # the server runs as a plain user
        url = ensure_database(server.start(directory / "postgres", 0), "bench")
        asyncio.run(run(url, directory / "writer", seconds))


if __name__ == "__main__":
    main()
