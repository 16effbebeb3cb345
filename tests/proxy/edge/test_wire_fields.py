"""Fields between client and backend: what is dropped, what is ours, and everything else untouched (rows 26 to 35)."""

from __future__ import annotations

import pytest

from tests.proxy.edge.conftest import StageWith
from tests.support.edge import Stage
from tests.support.wire import Message, always

OURS = {b"host", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"via", b"x-request-id",
        b"traceparent"}  # fmt: skip


async def _sent(stage: Stage, fields: bytes) -> Message:
    """What the backend got of a request with these fields."""
    assert (await stage.get(b"/", fields)).status == 200
    return stage.active.requests[-1]


async def test_fields_keep_their_order_their_case_and_their_bytes(stage: Stage) -> None:
    """Rows 29, 30: RFC 9110 sections 5.3, 5.5. Same-name lines in any case, and bytes that are no text."""
    fields = (
        b"X-b: 1\r\nX-B: 2\r\nCookie: a=1\r\nx-B: 3\r\nCookie: b=2\r\n"
        b'ETag: caf\xe9 \xc3\xa9\r\nX-Empty: \r\nX-Q: "a, b"\r\n'
    )
    got = await _sent(stage, fields)
    passed = [field for field in got.fields if field[0].lower() not in OURS]
    assert passed == [
        (b"X-b", b"1"),
        (b"X-B", b"2"),
        (b"Cookie", b"a=1"),
        (b"x-B", b"3"),
        (b"Cookie", b"b=2"),
        (b"ETag", b"caf\xe9 \xc3\xa9"),
        (b"X-Empty", b""),
        (b"X-Q", b'"a, b"'),
    ]


async def test_nothing_is_added_to_a_request_but_what_is_documented(stage: Stage) -> None:
    """Rows 31, 35: no Accept-Encoding, User-Agent, Accept or Content-Type of ours."""
    got = await _sent(stage, b"")
    assert {name.lower() for name, _ in got.fields} == OURS


async def test_hop_by_hop_fields_end_here(stage: Stage) -> None:
    """Rows 26, 27: RFC 9110 sections 7.6.1, 10.1.4, 11.7."""
    names = [
        b"Keep-Alive",
        b"Proxy-Connection",
        b"TE",
        b"Trailer",
        b"Upgrade",
        b"HTTP2-Settings",
        b"Proxy-Authorization",
    ]
    got = await _sent(stage, b"".join(b"%s: x\r\n" % name for name in names) + b"Connection: keep-alive\r\n")
    assert {name.lower() for name, _ in got.fields} == OURS


async def test_what_connection_names_ends_here(stage: Stage) -> None:
    """Row 26: RFC 9110 section 7.6.1, in several lines, any case, with spaces."""
    got = await _sent(
        stage,
        b"Connection: X-One,x-TWO\r\nconnection:  x-three\t, ,\r\nX-One: 1\r\nx-two: 2\r\nX-Three: 3\r\nX-Four: 4\r\n",
    )
    assert got.get(b"x-four") == b"4"
    assert not {b"x-one", b"x-two", b"x-three", b"connection"} & {name.lower() for name, _ in got.fields}


async def test_a_client_cannot_strip_our_fields_by_naming_them(stage: Stage) -> None:
    """Row 28: strip first, then add."""
    got = await _sent(stage, b"Connection: " + b", ".join(sorted(OURS)) + b", content-length\r\n")
    assert {name.lower() for name, _ in got.fields} == OURS


@pytest.mark.parametrize(
    "name", [b"X-Cutover-Copy", b"x-cutover-pin", b"X_Cutover_Copy", b"x-cutover_signature", b"X_CUTOVER-PIN"]
)
async def test_our_own_fields_are_removed_when_they_come_from_outside(stage: Stage, name: bytes) -> None:
    """design.md section 11. A gateway interface reads an underscore as a hyphen, so both spellings are ours."""
    got = await _sent(stage, name + b": mirror\r\n")
    assert name.lower() not in {found.lower() for found, _ in got.fields}


async def test_a_stranger_cannot_say_where_it_came_from(stage: Stage) -> None:
    """Row 33: RFC 7239 section 8.1; also in the spelling that a gateway interface takes for the same field."""
    got = await _sent(
        stage,
        b"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: for=6.6.6.6\r\n"
        b"X-Forwarded-Port: 443\r\nX-Forwarded-Prefix: /x\r\nX_Forwarded_For: 6.6.6.6\r\nX-Forwarded_Proto: https\r\n",
    )
    assert b"6.6.6.6" not in got.head and b"evil" not in got.head and b"https" not in got.head
    assert got.get(b"x-forwarded-for") == b"127.0.0.1"
    assert got.get(b"x-forwarded-proto") == b"http"
    assert got.get(b"x-forwarded-host") == b"a.example"
    assert got.get(b"forwarded") == b"for=127.0.0.1;proto=http;host=a.example"
    assert {name.lower() for name, _ in got.fields} == OURS


async def test_what_a_trusted_proxy_says_of_the_way_is_kept_and_appended_to(stage_with: StageWith) -> None:
    """Row 33: RFC 7239 section 4."""
    stage = await stage_with(trusted_proxies=["10.0.0.0/8", "127.0.0.0/8"])
    got = await _sent(
        stage,
        b"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n"
        b"X-Forwarded-Host: api.example\r\nForwarded: for=6.6.6.6\r\nVia: 1.1 before\r\n",
    )
    assert got.get(b"x-forwarded-for") == b"6.6.6.6, 7.7.7.7, 127.0.0.1"
    assert got.get(b"x-forwarded-proto") == b"https"
    assert got.get(b"x-forwarded-port") == b"443"
    assert got.get(b"x-forwarded-host") == b"api.example"
    assert got.get(b"forwarded") == b"for=6.6.6.6, for=127.0.0.1;proto=http;host=a.example"
    assert got.get(b"via") == b"1.1 before, 1.1 cutover-test"


async def test_a_forwarded_host_with_a_port_is_quoted(stage: Stage) -> None:
    """Row 33: RFC 7239 section 4: a colon is not a token's."""
    await stage.ask(b"GET / HTTP/1.1\r\nHost: a.example:81\r\n\r\n")
    assert stage.active.requests[0].get(b"forwarded") == b'for=127.0.0.1;proto=http;host="a.example:81"'


async def test_via_names_the_protocol_that_the_client_spoke(stage: Stage) -> None:
    """Row 32: RFC 9110 section 7.6.3."""
    await stage.ask(b"GET / HTTP/1.0\r\n\r\n")
    assert stage.active.requests[0].get(b"via") == b"1.0 cutover-test"


async def test_a_request_that_has_passed_this_edge_is_a_loop(stage: Stage) -> None:
    """Row 32: RFC 9110 section 7.6.3; other edges on the way are none."""
    assert (await stage.get(b"/", b"Via: 1.1 other, 1.1 cutover-test\r\n")).status == 508
    assert (await stage.get(b"/", b"Via: 1.1 other\r\nVia: 1.0 cutover-test (x)\r\n")).status == 508
    assert stage.active.requests == []
    assert (await stage.get(b"/", b"Via: 1.1 cutover-test-2, 1.1 my-cutover-test\r\n")).status == 200


GOOD_TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_a_well_formed_trace_context_and_request_id_pass(stage: Stage) -> None:
    """W3C Trace Context sections 3.2, 3.3."""
    got = await _sent(stage, b"traceparent: %s\r\ntracestate: a=b\r\nX-Request-ID: abc-1:2/3\r\n" % GOOD_TRACE)
    assert (got.get(b"traceparent"), got.get(b"tracestate")) == (GOOD_TRACE, b"a=b")
    assert got.get(b"x-request-id") == b"abc-1:2/3"


@pytest.mark.parametrize(
    "trace",
    [
        b"", b"x", GOOD_TRACE.upper(), b"ff" + GOOD_TRACE[2:], b"00-" + b"0" * 32 + GOOD_TRACE[35:], GOOD_TRACE + b"-x",
        GOOD_TRACE[:36] + b"0" * 16 + b"-01", GOOD_TRACE[:-1],
    ],
)  # fmt: skip
async def test_a_malformed_trace_context_is_replaced_and_its_state_dropped(stage: Stage, trace: bytes) -> None:
    """W3C Trace Context section 3.3: without a valid traceparent the tracestate means nothing."""
    got = await _sent(stage, b"traceparent: %s\r\ntracestate: a=b\r\n" % trace)
    made = got.get(b"traceparent") or b""
    assert made != trace and len(made) == 55 and made.startswith(b"00-")
    assert got.get(b"tracestate") is None


@pytest.mark.parametrize("bad", [b"", b"a b", b"x" * 129, b"caf\xe9", b'"a"', b"<script>", b"a\tb"])
async def test_a_request_id_that_is_unfit_for_a_log_is_replaced(stage: Stage, bad: bytes) -> None:
    """It goes into logs and error pages."""
    got = await _sent(stage, b"X-Request-ID: %s\r\n" % bad)
    made = got.get(b"x-request-id") or b""
    assert made != bad and len(made) == 32


async def test_every_request_gets_ids_of_its_own(stage: Stage) -> None:
    """Two requests on one connection must not look like one."""
    first, second = await _sent(stage, b""), await _sent(stage, b"")
    for name in (b"x-request-id", b"traceparent"):
        assert first.get(name) != second.get(name)


ANSWER = (
    b"HTTP/1.1 200 Caf\xe9 OK\r\nX-b: 1\r\nX-B: 2\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2, c\r\n"
    b"X-Text: caf\xe9\r\n"
    b'etag: W/"x"\r\nX-Empty:\r\nVary: a\r\nvary: b\r\nDate: yesterday\r\nAge: 5\r\nWarning: 199 - x\r\n'
    b"Content-Length: 2\r\n\r\nok"
)


async def test_an_answers_fields_keep_their_order_their_case_and_their_bytes(stage: Stage) -> None:
    """Rows 29, 30, 34: RFC 9110 sections 5.3, 5.5, 8.8."""
    stage.active.script = always(ANSWER)
    answer = await stage.get()
    assert answer.start == b"HTTP/1.1 200 Caf\xe9 OK"
    assert answer.fields == [
        (b"X-b", b"1"),
        (b"X-B", b"2"),
        (b"Set-Cookie", b"a=1; Path=/"),
        (b"Set-Cookie", b"b=2, c"),
        (b"X-Text", b"caf\xe9"),
        (b"etag", b'W/"x"'),
        (b"X-Empty", b""),
        (b"Vary", b"a"),
        (b"vary", b"b"),
        (b"Date", b"yesterday"),
        (b"Age", b"5"),
        (b"Warning", b"199 - x"),
        (b"Content-Length", b"2"),
    ]


async def test_nothing_is_invented_in_an_answer(stage: Stage) -> None:
    """Row 31: RFC 9110 section 8.3: no Content-Type, Server or Date of ours."""
    assert (await stage.get()).fields == [(b"Content-Length", b"2")]


async def test_hop_by_hop_fields_of_an_answer_end_here(stage: Stage) -> None:
    """Rows 26, 27: RFC 9110 section 7.6.1."""
    stage.active.script = always(
        b"HTTP/1.1 200 OK\r\nConnection: X-One, keep-alive\r\nX-One: 1\r\nKeep-Alive: timeout=5\r\n"
        b"Proxy-Authenticate: x\r\n"
        b"Upgrade: h2c\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n"
    )
    answer = await stage.get()
    assert answer.fields == [(b"Transfer-Encoding", b"chunked")]
    assert answer.body == b"ok"


async def test_the_debug_header_names_backend_and_reason_only_where_it_is_switched_on(stage_with: StageWith) -> None:
    """design.md section 3: the reason is sent on request."""
    silent, telling = await stage_with(), await stage_with(debug_header=True)
    asked = b"X-Cutover-Debug: 1\r\n"
    assert (await silent.get(b"/", asked)).get(b"x-cutover-backend") is None
    assert (await telling.get(b"/")).get(b"x-cutover-backend") is None
    answer = await telling.get(b"/", asked)
    assert answer.get(b"x-cutover-backend") == b"node"
    assert answer.get(b"x-cutover-reason") == b"the client has no key"
