"""HTTP as bytes: a client and a backend that send exactly what a test says and record exactly what they got."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

PATIENCE = 10.0  # seconds after which waiting is a failure; nothing in a test that passes waits for it
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Field = tuple[bytes, bytes]


class Truncated(Exception):
    """A message broke off. `got` is what came of it."""

    def __init__(self, got: bytes) -> None:
        super().__init__(got)
        self.got = got


@dataclass(slots=True)
class Message:
    """A request or an answer as it was on the wire."""

    head: bytes  # start line and fields, with the empty line
    body: bytes = b""  # without chunk framing
    raw_body: bytes = b""  # with it
    whole: bool = False

    @property
    def start(self) -> bytes:
        """The request line or the status line."""
        return self.head.split(b"\r\n", 1)[0]

    @property
    def status(self) -> int:
        """An answer's status."""
        return int(self.start.split(b" ", 2)[1])

    @property
    def target(self) -> bytes:
        """A request's target."""
        return self.start.split(b" ")[1]

    @property
    def fields(self) -> list[Field]:
        """The fields in their order, byte for byte, without the space behind the colon."""
        lines = self.head.split(b"\r\n")[1:-2]
        pairs = [line.split(b":", 1) for line in lines]
        return [(name, value.removeprefix(b" ")) for name, value in pairs]

    def all(self, name: bytes) -> list[bytes]:
        """The values of every field of this name, in any letter case."""
        return [value for found, value in self.fields if found.lower() == name.lower()]

    def get(self, name: bytes) -> bytes | None:
        """The only value of this field; None without one."""
        values = self.all(name)
        assert len(values) <= 1, values
        return values[0] if values else None


async def read_body(reader: asyncio.StreamReader, message: Message, *, until_close: bool) -> None:
    """Read the body that the head announces into the message. Raises Truncated."""
    try:
        if b"chunked" in (message.get(b"transfer-encoding") or b""):
            await _read_chunks(reader, message)
        elif (length := message.get(b"content-length")) is not None:
            message.body = await reader.readexactly(int(length))
        elif until_close:
            message.body = await reader.read()
    except asyncio.IncompleteReadError as error:
        raise Truncated(message.head + message.raw_body + error.partial) from error
    message.raw_body = message.raw_body or message.body
    message.whole = True


async def _read_chunks(reader: asyncio.StreamReader, message: Message) -> None:
    size = -1
    while size:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        chunk = await reader.readexactly(size + 2)
        message.body += chunk[:-2]
        message.raw_body += line + chunk


class Client:
    """A client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> Self:
        """Connect to a port of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))

    async def send(self, data: bytes) -> None:
        """Send these bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def send_apart(self, data: bytes) -> None:
        """Send these bytes so that the server reads them before what follows."""
        await self.send(data)
        await asyncio.sleep(0.005)

    async def answer(self, method: str = "GET") -> Message:
        """The next answer, interim ones too. Raises Truncated when it breaks off, also before it began."""
        async with asyncio.timeout(PATIENCE):
            try:
                message = Message(await self.reader.readuntil(b"\r\n\r\n"))
            except asyncio.IncompleteReadError as error:
                raise Truncated(error.partial) from error
            except ConnectionError as error:
                raise Truncated(b"") from error
            if method != "HEAD" and message.status >= 200 and message.status not in (204, 304):
                try:
                    await read_body(self.reader, message, until_close=True)
                except ConnectionError as error:
                    raise Truncated(message.head) from error
            message.whole = True
            return message

    async def ask(self, request: bytes, method: str = "") -> Message:
        """Send a request and wait for its final answer."""
        await self.send(request)
        return await self.answer(method or request.split(b" ", 1)[0].decode())

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    def half_close(self) -> None:
        """Send no more."""
        self.writer.write_eof()

    async def close(self) -> None:
        """Close as a client that is done."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return

    def reset(self) -> None:
        """Close with a TCP reset."""
        cut(self.writer)


def cut(writer: asyncio.StreamWriter) -> None:
    """Close a connection with a TCP reset."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass
class Visit:
    """One connection that a backend was given."""

    backend: Backend
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    async def request_head(self) -> Message | None:
        """The next request's head, recorded; None when the peer is done."""
        try:
            message = Message(await self.reader.readuntil(b"\r\n\r\n"))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        self.backend.note(message)
        return message

    async def request(self) -> Message | None:
        """The next request with its body."""
        message = await self.request_head()
        if message is not None:
            try:
                await read_body(self.reader, message, until_close=False)
            except (Truncated, ConnectionError) as error:
                message.raw_body = getattr(error, "got", b"").removeprefix(message.head)
                self.backend.broken.set()
                return None
        return message

    async def send(self, data: bytes) -> None:
        """Send these bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def until_closed(self) -> bytes:
        """Read on until the peer closes; what it sent."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""

    def reset(self) -> None:
        """Close with a TCP reset."""
        cut(self.writer)


Script = Callable[[Visit], Awaitable[None]]


def always(answer: bytes) -> Script:
    """Answers every request alike, and keeps the connection."""

    async def script(visit: Visit) -> None:
        while await visit.request() is not None:
            await visit.send(answer)

    return script


def once(answer: bytes) -> Script:
    """Answers one request, then closes."""

    async def script(visit: Visit) -> None:
        if await visit.request() is not None:
            await visit.send(answer)

    return script


async def hang(visit: Visit) -> None:
    """Takes a request and never answers."""
    await visit.request_head()
    await visit.until_closed()


@dataclass
class Backend:
    """A backend on a port of its own. `script` is run for every connection and may be changed in between."""

    script: Script = field(default_factory=lambda: always(OK))
    requests: list[Message] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self.broken = asyncio.Event()  # a request's body broke off
        self._news = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._visits: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.scheme = "http"

    async def start(self, tls: ssl.SSLContext | None = None) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._visited, "127.0.0.1", self.port, ssl=tls, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        self.scheme = "https" if tls else "http"
        return self

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def note(self, message: Message) -> None:
        """A request's head came."""
        self.requests.append(message)
        self._spawn(self._tell())

    async def seen(self, count: int) -> Message:
        """Wait until so many requests have come; the last of them."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: len(self.requests) >= count)
        return self.requests[count - 1]

    async def deserted(self) -> None:
        """Wait until nobody is connected any more."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: not self._visits)

    def refuse(self) -> None:
        """Close the listening socket: whoever connects is refused. Connections that are there stay."""
        assert self._server is not None
        self._server.close()

    def kill(self) -> None:
        """Reset every connection."""
        for writer in list(self._writers):
            cut(writer)

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        self.kill()
        for visit in list(self._visits):
            visit.cancel()
        await asyncio.gather(*self._visits, *self._tasks, return_exceptions=True)

    def _spawn(self, coroutine: Awaitable[None]) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._visits.add(task)
        self._writers.add(writer)
        self.connections += 1
        try:
            await self.script(Visit(self, reader, writer, self.connections))
        except (ConnectionError, asyncio.CancelledError, RuntimeError):  # uvloop's word for a transport that is closed
            pass
        finally:
            writer.close()
            self._visits.discard(task)
            self._writers.discard(writer)
            self._spawn(self._tell())
