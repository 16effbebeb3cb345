"""One connection to PostgreSQL that is cheap to ask: statements prepared once, one at a time, each a commit of its own.

It is psycopg's connection without its cursors: making one, converting its placeholders and joining the event loop anew
for every wait costs more than the rest of a short statement, and a journaled write waits for two of them.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
_DONE = pq.ExecStatus.COMMAND_OK


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

    async def run(self, within: float, *asked: tuple[Statement, Mapping[str, Any]]) -> list[Rows]:
        """The rows of each statement, in one round trip and one transaction.

        Raises psycopg.Error (then none of them was done), and TimeoutError if there is no answer within these seconds.
        """
        new = list(dict.fromkeys(statement for statement, _ in asked if statement.name not in self._prepared))
        try:
            self._wire.enter_pipeline_mode()
            for statement in new:
                self._wire.send_prepare(statement.name.encode(), statement.text)
            for statement, values in asked:
                self._send(statement, values)
            self._wire.pipeline_sync()
        except BaseException:
            self.hang_up()
            raise
        results = await self._answered(within)
        self._wire.exit_pipeline_mode()
        self._prepared |= {
            statement.name for statement, result in zip(new, results, strict=False) if result.status == _DONE
        }
        _raise_first(results)
        return [self._rows(result) for result in results[len(new) :]]

    async def script(self, text: bytes, within: float) -> None:
        """Several statements, all of them or none. Raises as `run` does."""
        try:
            self._wire.send_query(text)
        except BaseException:
            self.hang_up()
            raise
        _raise_first(await self._answered(within))

    def hang_up(self) -> None:
        """End the connection at once. The server may still do what it was asked."""
        if not self.is_lost:
            self.is_lost = True
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._wire.finish()

    def _send(self, statement: Statement, values: Mapping[str, Any]) -> None:
        given = [self._dumped(values[value], is_bytes) for value, is_bytes in statement.values]
        formats = [pq.Format.BINARY if is_bytes else pq.Format.TEXT for _, is_bytes in statement.values]
        self._wire.send_query_prepared(statement.name.encode(), given, formats, result_format=pq.Format.BINARY)

    def _dumped(self, value: Any, is_bytes: bool) -> bytes | None:
        if is_bytes:
            return bytea_array(value)
        (dumped,) = self._transformer.dump_sequence([value], [PyFormat.TEXT])
        return None if dumped is None else bytes(dumped)

    def _rows(self, result: pq.abc.PGresult) -> Rows:
        if result.status != pq.ExecStatus.TUPLES_OK:
            return []
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)

    # ---- the wire

    async def _answered(self, within: float) -> list[pq.abc.PGresult]:
        """All results of what was just sent."""
        answer = self._answer = self._loop.create_future()
        self._results = []
        patience = self._loop.call_later(within, self._fail, TimeoutError(f"no answer within {within:g} s"))
        try:
            self._flush()
            await answer
        except BaseException:  # cancelled, too: the answer would be taken for that of the next question
            self.hang_up()
            raise
        finally:
            patience.cancel()
            self._answer = None
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
            self._take()
        except psycopg.Error as error:
            self._fail(error)

    def _take(self) -> None:
        """Take what has come; a pipeline ends with its sync, anything else with the first None."""
        piped = self._wire.pipeline_status != pq.PipelineStatus.OFF
        was_none = False
        while not self._wire.is_busy():
            result = self._wire.get_result()
            if result is None and not piped and self._results:
                return self._complete()
            if result is None and (was_none or not piped):
                return
            if result is not None and result.status == pq.ExecStatus.PIPELINE_SYNC:
                return self._complete()
            was_none = result is None
            if result is not None:
                self._results.append(result)

    def _complete(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    def _fail(self, error: Exception) -> None:
        """Whoever waits is told; when nobody does, the line is lost all the same."""
        self.hang_up()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def _raise_first(results: Sequence[pq.abc.PGresult]) -> None:
    for result in results:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise error_from_result(result)
