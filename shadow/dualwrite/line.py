"""One connection to PostgreSQL that is cheap to ask: statements prepared once, one at a time, each a commit of its own.

It is psycopg's connection without its cursors: making one, converting its placeholders and joining the event loop anew
for every wait costs more than the rest of a short statement, and a journaled write waits for two of them.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import psycopg
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result

Rows = list[tuple[Any, ...]]

_PLACEHOLDER = re.compile(r"%\((\w+)\)([sb])")
_BYTEA = 17
_HEAD = struct.Struct("!iiIii")
_LENGTH = struct.Struct("!i")
_NULL = _LENGTH.pack(-1)


@dataclass(frozen=True, slots=True)
class Statement:
    """What is asked: `%(name)s` stands for a value whose type the statement tells, `%(name)b` for a list of bytes."""

    name: str
    text: bytes
    values: tuple[tuple[str, bool], ...]
    """The names in the order of their places, and whether each is a list of bytes."""

    @classmethod
    def of(cls, name: str, written: str) -> Statement:
        """From SQL with named placeholders; one name may stand in several places."""
        places: dict[str, tuple[int, bool]] = {}

        def placed(found: re.Match[str]) -> str:
            place, _ = places.setdefault(found[1], (len(places) + 1, found[2] == "b"))
            return f"${place}"

        text = _PLACEHOLDER.sub(placed, written).encode()
        return cls(name, text, tuple((value, is_bytes) for value, (_, is_bytes) in places.items()))


def bytea_array(items: Sequence[bytes | None]) -> bytes:
    """A `bytea[]` as PostgreSQL sends and takes it in binary."""
    pieces = [_HEAD.pack(1, 1, _BYTEA, len(items), 1)] if items else [struct.pack("!iiI", 0, 0, _BYTEA)]
    for item in items:
        pieces += [_NULL] if item is None else [_LENGTH.pack(len(item)), item]
    return b"".join(pieces)


class Line:
    """Made in a running event loop and used from it only, by one caller at a time.

    Whatever is raised but an answer of PostgreSQL's own (`is_lost` tells) leaves it hung up: nobody knows then whether
    what was asked has been done.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._wire = connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._transformer = Transformer(connection)
        self._prepared: set[str] = set()
        self._results: list[pq.abc.PGresult] = []
        self._answer: asyncio.Future[None] | None = None
        self._socket = self._wire.socket
        self.is_lost = False
        self._loop.add_reader(self._socket, self._readable)

    @classmethod
    async def connect(cls, url: str, name: str, within: int) -> Self:
        """Raises psycopg.OperationalError."""
        return cls(
            await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=within, application_name=name)
        )

    async def run(self, statement: Statement, values: Mapping[str, Any], within: float) -> Rows:
        """The rows of the statement. Raises psycopg.Error, and TimeoutError if there is no answer within the time."""
        name = statement.name.encode()
        if statement.name not in self._prepared:
            await self._ask(partial(self._wire.send_prepare, name, statement.text), within)
            self._prepared.add(statement.name)
        given = [self._dumped(values[value], is_bytes) for value, is_bytes in statement.values]
        formats = [pq.Format.BINARY if is_bytes else pq.Format.TEXT for _, is_bytes in statement.values]
        send = partial(self._wire.send_query_prepared, name, given, formats, result_format=pq.Format.BINARY)
        (result,) = await self._ask(send, within)
        if result.status != pq.ExecStatus.TUPLES_OK:
            return []
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)

    async def script(self, text: bytes, within: float) -> None:
        """Several statements, all of them or none. Raises as `run` does."""
        await self._ask(partial(self._wire.send_query, text), within)

    def hang_up(self) -> None:
        """End the connection at once. The server may still do what it was asked."""
        if not self.is_lost:
            self.is_lost = True
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._wire.finish()

    def _dumped(self, value: Any, is_bytes: bool) -> bytes | None:
        if is_bytes:
            return bytea_array(value)
        (dumped,) = self._transformer.dump_sequence([value], [PyFormat.TEXT])
        return None if dumped is None else bytes(dumped)

    async def _ask(self, send: Callable[[], None], within: float) -> list[pq.abc.PGresult]:
        answer = self._answer = self._loop.create_future()
        self._results = []
        patience = self._loop.call_later(within, self._fail, TimeoutError(f"no answer within {within:g} s"))
        try:
            send()
            self._flush()
            await answer
        except BaseException:  # cancelled, too: the answer would be taken for that of the next question
            self.hang_up()
            raise
        finally:
            patience.cancel()
            self._answer = None
        for result in self._results:
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise error_from_result(result)
        return self._results

    def _flush(self) -> None:
        if self._wire.flush():  # what the socket does not take now goes when it can
            self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        try:
            if not self._wire.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._fail(error)

    def _readable(self) -> None:
        try:
            self._wire.consume_input()
            while not self._wire.is_busy():
                result = self._wire.get_result()
                if result is None:
                    return self._complete()
                self._results.append(result)
        except psycopg.Error as error:
            self._fail(error)

    def _complete(self) -> None:
        if self._answer is not None and self._results and not self._answer.done():
            self._answer.set_result(None)

    def _fail(self, error: Exception) -> None:
        """Whoever waits is told; when nobody does, the line is lost all the same."""
        self.hang_up()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
