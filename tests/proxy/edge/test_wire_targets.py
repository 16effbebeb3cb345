"""Targets and request lines: passed on byte for byte, or refused (http-checklist rows 15 to 21)."""

from __future__ import annotations

import pytest

from tests.support.edge import Stage
from tests.support.wire import once


@pytest.mark.parametrize(
    "target",
    [
        b"/", b"//", b"//evil.example/x", b"/a//b", b"/a/../b", b"/a/./b", b"/..", b"/%2F", b"/a%2fb", b"/%7E%41",
        b"/~A", b"/%zz", b"/%", b"/a;b=c;d", b"/a?", b"/a??", b"/?a=b&c=%20+d", b"/a?b=/../c", b"/a?x=http://b/",
        b"/a:b@c", b"/\\",
        b'/"<>^`{|}', b"/[x]?[y]=1", b"/a?%2F=%00", b"/*", b"/a,b!$&'()*+,;=", b"/" + b"x" * 8000,
    ],
)  # fmt: skip
async def test_a_target_passes_byte_for_byte(stage: Stage, target: bytes) -> None:
    """Rows 17, 18: RFC 9110 section 7.7."""
    assert (await stage.get(target)).status == 200
    assert stage.active.requests[0].target == target


@pytest.mark.parametrize(
    ("line", "target", "host"),
    [
        (b"GET http://b.example:81/p?q HTTP/1.1", b"/p?q", b"b.example:81"),
        (b"GET http://b.example HTTP/1.1", b"/", b"b.example"),
        (b"GET http://b.example?q=1 HTTP/1.1", b"/?q=1", b"b.example"),
        (b"GET HTTPS://b.example/%2F/.. HTTP/1.1", b"/%2F/..", b"b.example"),
        (b"OPTIONS http://b.example HTTP/1.1", b"*", b"b.example"),
        (b"OPTIONS http://b.example/ HTTP/1.1", b"/", b"b.example"),
        (b"GET http://b.example/x HTTP/1.0", b"/x", b"b.example"),
    ],
)
async def test_the_authority_of_an_absolute_target_replaces_host_and_is_never_dialled(
    stage: Stage, line: bytes, target: bytes, host: bytes
) -> None:
    """Row 19: RFC 9112 section 3.2.2."""
    assert (await stage.ask(line + b"\r\nHost: a.example\r\n\r\n")).status == 200
    (got,) = stage.active.requests
    assert (got.target, got.get(b"host")) == (target, host)


async def test_an_absolute_target_with_the_address_of_another_server_reaches_our_backend_only(stage: Stage) -> None:
    """Row 19: a target that dials is a way into the network behind the edge."""
    await stage.get(b"http://127.0.0.1:%d/secret" % stage.standby.port)
    assert (len(stage.active.requests), stage.standby.connections) == (1, 0)


async def test_options_of_the_whole_server_are_passed_on(stage: Stage) -> None:
    """Row 20: RFC 9112 section 3.2.4."""
    assert (await stage.ask(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")).status == 200
    assert stage.active.requests[0].start == b"OPTIONS * HTTP/1.1"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
        b"CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n",
    ],
)
async def test_connect_and_trace_are_refused(stage: Stage, request_bytes: bytes) -> None:
    """Row 21: RFC 9110 sections 9.3.6, 9.3.8."""
    client = await stage.connect()
    await client.send(request_bytes)
    answer = await client.answer()
    assert answer.status in (400, 405)
    assert await client.rest() == b""
    assert stage.active.requests == []


async def test_a_refused_method_says_which_ones_are_served(stage: Stage) -> None:
    """Row 21: RFC 9110 section 10.2.1."""
    answer = await stage.ask(b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (answer.status, answer.get(b"allow")) == (405, b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET  / HTTP/1.1", 400),
        (b"GET /  HTTP/1.1", 400),
        (b" GET / HTTP/1.1", 400),
        (b"GET\t/ HTTP/1.1", 400),
        (b"GET / HTTP/1.1 ", 400),
        (b"GET / http/1.1", 400),
        (b"GET / HTTP/1.1x", 400),
        (b"GET / HTTP/1", 400),
        (b"GET / HTTP/1.2", 400),
        (b"GET / HTTP/11.1", 400),
        (b"GET / HTTP/2.0", 505),
        (b"GET / HTTP/0.9", 505),
        (b"GET /", 400),
        (b"GET", 400),
        (b"GET / FTP/1.1", 400),
        (b"G@T / HTTP/1.1", 400),
        (b"get / HTTP/1.1", 400),
        (b"GET x HTTP/1.1", 400),
        (b"GET * HTTP/1.1", 400),
        (b"GET /a#b HTTP/1.1", 400),
        (b"GET /a\x00b HTTP/1.1", 400),
        (b"GET /a\x7fb HTTP/1.1", 400),
        (b"GET /caf\xe9 HTTP/1.1", 400),
        (b"GET ftp://b.example/ HTTP/1.1", 400),
        (b"GET http:///x HTTP/1.1", 400),
        (b"GET http://user@b.example/ HTTP/1.1", 400),
        (b"GET http://b.example:port/ HTTP/1.1", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"PRI * HTTP/2.0", 400),
    ],
)
@pytest.mark.parametrize("split", [0, 1, 5])
async def test_a_malformed_request_line_is_refused(stage: Stage, line: bytes, status: int, split: int) -> None:
    """Row 15: RFC 9112 sections 2.3, 3; in one packet and in pieces alike."""
    client = await stage.connect()
    request = line + b"\r\nHost: a\r\n\r\n"
    if split:
        await client.send_apart(request[:split])
        await client.send(request[split:])
    else:
        await client.send(request)
    assert (await client.answer()).status in (status, 400)
    assert await client.rest() == b""
    assert stage.active.requests == []


@pytest.mark.parametrize("before", [b"\r\n", b"\r\n\r\n"])
async def test_empty_lines_before_a_request_are_ignored(stage: Stage, before: bytes) -> None:
    """RFC 9112 section 2.2."""
    client = await stage.connect()
    await client.send(before)
    assert (await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).status == 200
    assert (await client.ask(before + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET")).status == 200


async def test_a_refusal_repeats_nothing_of_the_request_and_names_no_backend(stage: Stage) -> None:
    """Row 16."""
    for request in (
        b"GET /<script>bad HTTP/1.1x\r\nHost: a\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: <script>bad\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: a\r\n<script>bad: x\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: a\r\nExpect: <script>bad\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: <script>bad\r\n\r\n",
    ):
        answer = await stage.ask(request)
        whole = answer.head + answer.body
        assert answer.status in (400, 417, 501)
        assert b"script" not in whole and b"node" not in whole and b"django" not in whole
        assert answer.start.startswith(b"HTTP/1.1 ")


async def test_a_page_for_a_backend_that_is_gone_names_no_backend(stage: Stage) -> None:
    """Row 16."""
    stage.active.script = once(b"")
    answer = await stage.get(b"/script")
    assert answer.status == 502
    for secret in (b"script", b"node", b"django", b"127.0.0.1", b"%d" % stage.active.port):
        assert secret not in answer.body
