"""WebSockets through the edge behave as they do without it (http-checklist rows 57 to 63), judged by a real library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from structlog.typing import EventDict
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.typing import Subprotocol

from tests.proxy.edge.conftest import StageWith
from tests.support.edge import Stage, ramping

Handler = Callable[[ServerConnection], Awaitable[None]]


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


class Sockets:
    """An edge in front of a WebSocket server, whose connections are in `seen`."""

    def __init__(self, stage: Stage, seen: list[ServerConnection]) -> None:
        self.stage = stage
        self.seen = seen
        self.url = f"ws://127.0.0.1:{stage.port}/ws/chat?token=s%65cret&x=%2F"


SocketsWith = Callable[..., Awaitable[Sockets]]


@pytest.fixture
async def sockets_with(stage_with: StageWith) -> AsyncIterator[SocketsWith]:
    """Call it for an edge whose active side serves WebSockets with `handler`."""
    servers = []

    async def make(handler: Handler = _echo, **settings: Any) -> Sockets:
        seen: list[ServerConnection] = []

        async def handle(connection: ServerConnection) -> None:
            seen.append(connection)
            await handler(connection)

        server = await serve(handle, "127.0.0.1", 0, max_size=None, **settings)
        servers.append(server)
        url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        return Sockets(await stage_with(state=ramping(100), both={"ws": url}), seen)

    yield make
    for server in servers:
        server.close(close_connections=True)
        await server.wait_closed()


async def test_messages_of_every_kind_come_back_as_they_were(sockets_with: SocketsWith) -> None:
    """Rows 57, 58."""
    sockets = await sockets_with()
    async with connect(sockets.url) as client:
        for message in ("", "text", "\u00e9\U0001f600", b"", b"\x00\xff" * 100, "x" * 70_000):
            await client.send(message)
            assert await client.recv() == message
        await client.send(["frag", "men", "ted"])
        assert await client.recv() == "fragmented"


async def test_the_handshake_passes_unchanged(sockets_with: SocketsWith) -> None:
    """Row 57: RFC 6455 sections 1.9, 4.1: subprotocol, origin, cookies, target."""
    sockets = await sockets_with(subprotocols=[Subprotocol("chat"), Subprotocol("x")])
    async with connect(
        sockets.url,
        subprotocols=[Subprotocol("other"), Subprotocol("chat")],
        origin="https://app.example",  # type: ignore[arg-type]
        additional_headers=[("Cookie", "a=1"), ("Authorization", "Bearer x.y.z"), ("X-Cutover-Copy", "mirror")],
    ) as client:
        assert client.subprotocol == "chat"
    request = sockets.seen[0].request
    assert request is not None
    assert request.path == "/ws/chat?token=s%65cret&x=%2F"
    assert request.headers["Origin"] == "https://app.example"
    assert request.headers["Cookie"] == "a=1"
    assert request.headers["X-Forwarded-For"] == "127.0.0.1"
    assert "X-Cutover-Copy" not in request.headers


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_compression_is_agreed_between_the_two_ends(sockets_with: SocketsWith, compression: str | None) -> None:
    """Row 61: RFC 7692."""
    sockets = await sockets_with(compression=compression)
    async with connect(sockets.url, compression="deflate") as client:
        names = [extension.name for extension in client.protocol.extensions]
        assert names == (["permessage-deflate"] if compression else [])
        for _ in range(3):
            await client.send("again " * 5000)
            assert await client.recv() == "again " * 5000


async def test_a_ping_keeps_its_payload(sockets_with: SocketsWith) -> None:
    """Row 59: RFC 6455 section 5.5.2, in both directions."""
    sockets = await sockets_with()
    async with connect(sockets.url) as client:
        assert await (await client.ping(b"\x00payload")) >= 0
        assert await (await sockets.seen[0].ping(b"other\xff")) >= 0


async def test_a_message_of_sixteen_megabytes_passes(sockets_with: SocketsWith) -> None:
    """Row 60: no cap of our own."""
    sockets = await sockets_with(compression=None)
    message = bytes(range(256)) * (16 * 4096)
    async with connect(sockets.url, max_size=None, compression=None) as client:
        await client.send(message)
        assert await client.recv() == message


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1000, "bye"), (1001, "moving"), (1008, "no"), (4321, "\u00e9")]
)
@pytest.mark.parametrize("by", ["client", "backend"])
async def test_a_close_keeps_its_code_and_reason(sockets_with: SocketsWith, code: int, reason: str, by: str) -> None:
    """Row 62: RFC 6455 section 7.1."""

    async def leave(connection: ServerConnection) -> None:
        if by == "backend":
            await connection.close(code, reason)
        await connection.wait_closed()

    sockets = await sockets_with(leave)
    async with connect(sockets.url) as client:
        if by == "client":
            await client.close(code, reason)
        else:
            with pytest.raises(ConnectionClosed):
                await client.recv()
        await sockets.seen[0].wait_closed()
        for end in (client, sockets.seen[0]):
            assert (end.close_code, end.close_reason) == (code, reason)


async def test_a_backend_that_dies_takes_its_sockets_along(sockets_with: SocketsWith) -> None:
    """Row 62: the client sees 1006 and comes back."""
    sockets = await sockets_with()
    async with connect(sockets.url) as client:
        await client.send("x")
        await client.recv()
        sockets.seen[0].transport.abort()
        with pytest.raises(ConnectionClosedError):
            await client.recv()
    await _nothing_left(sockets)


async def test_a_client_that_dies_is_known_to_the_backend(sockets_with: SocketsWith) -> None:
    """Row 62."""
    sockets = await sockets_with()
    async with connect(sockets.url) as client:
        await client.send("x")
        await client.recv()
        client.transport.abort()
        async with asyncio.timeout(5):
            await sockets.seen[0].wait_closed()
    assert sockets.seen[0].close_code == 1006
    await _nothing_left(sockets)


async def test_a_refused_handshake_is_relayed_as_it_is(stage_with: StageWith) -> None:
    """Row 57: RFC 6455 section 4.2.2."""
    stage = await stage_with()
    from tests.support.wire import always

    stage.active.script = always(b"HTTP/1.1 403 Forbidden\r\nX-Why: caf\xe9\r\nContent-Length: 2\r\n\r\nno")
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{stage.port}/")
    assert refused.value.response.status_code == 403
    assert bytes(refused.value.response.body or b"") == b"no"


async def test_sockets_follow_the_active_side_whatever_the_weight_and_are_never_mirrored(
    sockets_with: SocketsWith,
) -> None:
    """Row 63; design.md section 3: they write. A client without a key gets no cookie either."""
    sockets = await sockets_with()
    async with connect(sockets.url) as client:
        await client.send("x")
        assert await client.recv() == "x"
    await _nothing_left(sockets)
    assert len(sockets.seen) == 1
    assert sockets.stage.standby.requests == [] and sockets.stage.active.requests == []
    assert sockets.stage.mirror.offered == []


async def test_a_token_in_the_query_is_not_logged(stage_with: StageWith, events: list[EventDict]) -> None:
    """Row 64."""
    stage = await stage_with(log={"access": True})
    names = (b"token", b"access_token", b"apiKey", b"Password", b"t%6fken", b"a=b&secret", b"x%26%3dsig")
    for name in names:
        await stage.get(b"/ws/chat?" + name + b"=secret1&a=b%20c")
    logged = [event for event in events if event["event"] == "request"]
    assert len(logged) == len(names)
    assert "secret1" not in str(logged)
    assert logged[0]["query"] == "token=…&a=b%20c"


async def test_many_sockets_talk_at_the_same_time(sockets_with: SocketsWith) -> None:
    """Nobody hears another's messages."""
    sockets = await sockets_with()

    async def talk(number: int) -> None:
        async with connect(sockets.url) as client:
            for turn in range(20):
                await client.send(f"{number}:{turn}")
                assert await client.recv() == f"{number}:{turn}"

    await asyncio.gather(*(talk(number) for number in range(30)))
    await _nothing_left(sockets)


async def test_a_stopping_edge_closes_sockets_with_1012_in_good_order(sockets_with: SocketsWith) -> None:
    """Rows 55, 62: RFC 6455 section 7.4.1; what was being sent arrives whole, and both ends know that it is over."""
    go_on = asyncio.Event()

    async def talk(connection: ServerConnection) -> None:
        await connection.send("x" * 3_000_000)
        await go_on.wait()
        async for _ in connection:
            pass

    sockets = await sockets_with(talk, compression=None)
    async with (
        connect(sockets.url, max_size=None, compression=None) as idle,
        connect(sockets.url, max_size=None, compression=None) as busy,
    ):
        assert len(await idle.recv()) == 3_000_000
        stopping = asyncio.ensure_future(sockets.stage.server.shutdown(2))
        await asyncio.sleep(0)
        assert len(await busy.recv()) == 3_000_000
        go_on.set()
        for client in (idle, busy):
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1012
        async with asyncio.timeout(2):
            await stopping
    assert [connection.close_code for connection in sockets.seen] == [1012, 1012]


async def _nothing_left(sockets: Sockets) -> None:
    async with asyncio.timeout(5):
        while sockets.stage.edge.sides["node"].ws.in_use or sockets.stage.server.connections:
            await asyncio.sleep(0.01)
