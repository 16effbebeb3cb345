from __future__ import annotations

import asyncio
import gzip
import socket
from typing import Any

import pytest
from aiohttp import web

from shadow.answer import AskFailed, Reason
from shadow.sender import Sender, Target
from shadow.signature import verify
from shadow.testing import TurnedClock, an_exchange
from tests.shadow.backends import backend, raw_backend


def sender(**changes: Any) -> Sender:
    return Sender(**{"timeout": 2.0, "body_limit": 1000, "connections": 4} | changes)


async def failure(url: str, **changes: Any) -> Reason:
    """Why asking this URL fails."""
    async with sender(**changes) as asking:
        with pytest.raises(AskFailed) as failed:
            await asking.ask(an_exchange(), Target("new", url))
    return failed.value.reason


async def test_a_copy_arrives_byte_for_byte_and_marked() -> None:
    exchange = an_exchange(
        target=b"/a%2Fb/../c//d;x?q=%7e+'\"&empty=",
        headers=(
            (b"X-Odd-Case", b"1"), (b"x-twice", b"1"), (b"x-twice", b"2"), (b"cookie", b"a=b"),
            (b"x-name", "Zoë".encode()),
        ),
    )  # fmt: skip
    no_content = b"HTTP/1.1 204 No Content\r\nX-A: 1\r\nX-A: 2\r\n\r\n"
    async with raw_backend(no_content) as (url, heads), sender() as asking:
        answer = await asking.ask(exchange, Target("new", url))
    lines = heads[0].split(b"\r\n")
    assert lines[0] == b"GET /a%2Fb/../c//d;x?q=%7e+'\"&empty= HTTP/1.1"
    assert sorted(lines[1:-2]) == sorted([
        b"X-Odd-Case: 1", b"x-twice: 1", b"x-twice: 2", b"cookie: a=b", "x-name: Zoë".encode(),
        b"Host: school.example", b"X-Cutover-Copy: mirror",
    ])  # fmt: skip
    assert (answer.status, answer.headers, answer.body) == (204, ((b"x-a", b"1"), (b"x-a", b"2")), b"")


async def test_a_copy_carries_no_conditions_no_range_and_nothing_that_only_cutover_may_say() -> None:
    headers = (
        (b"If-None-Match", b'"x"'),
        (b"Range", b"bytes=0-1"),
        (b"X-Cutover-Copy", b"replay"),
        (b"accept", b"*/*"),
    )
    async with raw_backend(b"HTTP/1.1 204 No Content\r\n\r\n") as (url, heads), sender() as asking:
        await asking.ask(an_exchange(headers=headers), Target("new", url, host="upstream"))
    names = {line.partition(b":")[0].lower() for line in heads[0].split(b"\r\n")[1:-2]}
    assert names == {b"host", b"accept", b"x-cutover-copy"}
    assert url.removeprefix("http://").encode() in heads[0]


async def test_a_copy_is_signed_so_that_the_backend_can_tell() -> None:
    seen: list[str | None] = []
    clock = TurnedClock()

    async def handler(request: web.BaseRequest) -> web.Response:
        header = request.headers["X-Cutover-Signature"]
        body = await request.read()
        signed = {
            "method": request.method,
            "target": request.path_qs.encode(),
            "body": body,
            "now": clock.now(),
            "purpose": "mirror",
        }
        seen.append(verify(b"s3cret", header, **signed))  # type: ignore[arg-type]
        return web.Response()

    exchange = an_exchange(method="POST", kind="auth", body=b'{"username":"alice"}')
    async with backend(handler) as url, sender(secret="s3cret", clock=clock) as asking:
        await asking.ask(exchange, Target("new", url))
    assert seen == [exchange.id]


async def test_redirects_and_cookies_are_answers_and_not_orders() -> None:
    asked: list[Any] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        asked.append((request.path, request.headers.get("Cookie")))
        return web.Response(status=302, headers={"Location": "/elsewhere", "Set-Cookie": "a=b"})

    async with backend(handler) as url, sender() as asking:
        for _ in range(2):
            assert (await asking.ask(an_exchange(headers=()), Target("new", url))).status == 302
    assert asked == [("/api/v1/cadets/57", None)] * 2


async def test_a_packed_body_stays_packed() -> None:
    packed = gzip.compress(b'{"a":1}')

    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with backend(handler) as url, sender() as asking:
        answer = await asking.ask(an_exchange(), Target("new", url))
    assert (answer.body, answer.header(b"content-encoding")) == (packed, b"gzip")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", Reason.RESET),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", Reason.RESET),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Reason.BAD_ANSWER),
        (b"what is this\r\n\r\n", Reason.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001, Reason.TOO_LARGE),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000, Reason.TOO_LARGE),
    ],
)
async def test_a_useless_answer_has_one_of_a_few_reasons(answer: bytes, reason: Reason) -> None:
    async with raw_backend(answer) as (url, _):
        assert await failure(url) is reason


async def test_a_backend_that_says_nothing_times_out() -> None:
    async with raw_backend(b"", close=False) as (url, _):
        assert await failure(url, timeout=0.1) is Reason.TIMEOUT


async def test_a_backend_that_never_ends_its_body_times_out() -> None:
    async with raw_backend(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", close=False) as (url, _):
        assert await failure(url, timeout=0.1) is Reason.TIMEOUT


async def test_a_backend_that_is_not_there_refuses() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers, and nobody else gets the port
        assert await failure(f"http://127.0.0.1:{taken.getsockname()[1]}") is Reason.REFUSED


async def test_bytes_that_are_no_text_arrive_as_they_were() -> None:
    async with raw_backend(b"HTTP/1.1 204 No Content\r\n\r\n") as (url, heads), sender() as asking:
        await asking.ask(
            an_exchange(target=b"/\xff", headers=((b"x-latin", b"Zo\xeb"),)), Target("new", url + "/base/")
        )
    assert heads[0].startswith(b"GET /base/\xff HTTP/1.1\r\n")
    assert b"\r\nx-latin: Zo\xeb\r\n" in heads[0]


@pytest.mark.parametrize(("method", "asked"), [("GET", 3), ("POST", 2)])
async def test_only_what_changes_nothing_is_asked_again_on_a_new_connection(method: str, asked: int) -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        heads.append(await reader.readuntil(b"\r\n\r\n"))  # the second on this connection meets its end
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, sender() as asking:
        target = Target("new", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await asking.ask(an_exchange(method=method), target)
        if method == "GET":
            await asking.ask(an_exchange(method=method), target)
        else:
            with pytest.raises(AskFailed) as failed:
                await asking.ask(an_exchange(method=method), target)
            assert failed.value.reason is Reason.RESET
    assert len(heads) == asked


async def test_a_large_body_arrives_whole() -> None:
    body = bytes(range(256)) * 8192

    async def handler(request: web.BaseRequest) -> web.Response:
        came = b"".join([part async for part in request.content.iter_any()])
        return web.Response(body=b"%d" % (came == body))

    async with backend(handler) as url, sender() as asking:
        answer = await asking.ask(an_exchange(method="PUT", body=body), Target("new", url))
    assert answer.body == b"1"


async def test_many_copies_share_a_few_connections() -> None:
    at_once, most = 0, 0

    async def handler(request: web.BaseRequest) -> web.Response:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        return web.Response()

    async with backend(handler) as url, sender(connections=3) as asking:
        await asyncio.gather(*(asking.ask(an_exchange(), Target("new", url)) for _ in range(12)))
    assert most == 3


@pytest.mark.parametrize("closing", [True, False])
async def test_an_answer_that_comes_before_the_body_is_read_is_the_answer(closing: bool) -> None:
    asked = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        if not closing:
            await asked.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, sender() as asking:
        target = Target("new", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        answer = await asking.ask(an_exchange(method="PUT", body=bytes(8_000_000)), target)
        asked.set()
    assert (answer.status, answer.body) == (413, b"no")
