"""Heads as values: what holds for every method, target and field (RFC 9110 section 7.6.1, RFC 9112 section 3)."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.edge.head import Head, Refusal, read_head
from proxy.edge.headers import (
    HOP_BY_HOP,
    Hop,
    answer_fields,
    answer_head,
    came_through,
    is_trusted,
    request_fields,
    request_framing,
    request_head,
    request_id_of,
    trace_parent_of,
)
from proxy.edge.pages import page

Fields = list[tuple[bytes, bytes]]

tokens = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_!#$%&'*+.^`|~", min_size=1, max_size=12).map(str.encode)
known = st.sampled_from(
    [
        *sorted(HOP_BY_HOP),
        b"Connection",
        b"Content-Length",
        b"HOST",
        b"Via",
        b"Forwarded",
        b"X-Forwarded-For",
        b"expect",
        b"X-Cutover-Copy",
        b"x_cutover_pin",
        b"traceparent",
        b"TraceState",
        b"X-Request-Id",
        b"Cookie",
        b"Set-Cookie",
        b"a",
    ]
)
names = tokens | known
values = st.binary(max_size=30).map(lambda raw: bytes(b for b in raw if (b >= 32 and b != 127) or b == 9).strip(b" \t"))
connections = st.lists(names, max_size=4).map(b" , ".join)
field_lists = st.lists(
    st.tuples(names, values) | st.tuples(st.sampled_from([b"Connection", b"CONNECTION"]), connections), max_size=12
)
HOP = Hop(peer="1.2.3.4", trusted=False, request_id=b"id", trace_parent=b"trace", traced=False, pseudonym=b"us")


def _head(fields: Fields) -> Head:
    harmless = [
        field
        for field in fields
        if field[0].lower() not in (b"host", b"content-length", b"transfer-encoding", b"expect")
    ]
    head = read_head("GET", "/", (1, 1), [(b"Host", b"a"), *harmless], 100)
    assert isinstance(head, Head)
    return head


@pytest.mark.property_test
@given(field_lists, st.booleans())
def test_no_hop_by_hop_or_nominated_field_gets_through(fields: Fields, trusted: bool) -> None:
    """Rows 26 to 28, whoever sends it."""
    head = _head(fields)
    hop = Hop("1.2.3.4", trusted, b"id", b"trace", False, b"us")
    ours = {
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"forwarded",
        b"via",
        b"x-request-id",
        b"traceparent",
    }
    sent = [name.lower() for name, _ in request_fields(head, hop)]
    assert not set(sent) & (HOP_BY_HOP | {b"host", b"content-length", b"expect"})
    assert not set(sent) & (head.nominated - ours)
    assert not [name for name in sent if name.replace(b"_", b"-").startswith(b"x-cutover-")]
    assert all(sent.count(name) == 1 for name in ours)


@pytest.mark.property_test
@given(field_lists)
def test_every_other_field_survives_byte_for_byte_and_in_order(fields: Fields) -> None:
    """Rows 29, 30."""
    head = _head(fields)
    sent = request_fields(head, HOP)
    rest = iter(sent)
    ours = (
        b"x-forwarded-",
        b"x-cutover-",
        b"traceparent",
        b"tracestate",
        b"x-request-id",
        b"forwarded",
        b"via",
        b"host",
        b"content-length",
        b"expect",
    )
    for field in head.fields:
        name = field[0].lower()
        if name in HOP_BY_HOP | head.nominated or name.replace(b"_", b"-").startswith(ours) or b"_" in name:
            continue
        assert field in rest


@pytest.mark.property_test
@given(field_lists)
def test_no_hop_by_hop_or_nominated_field_of_an_answer_gets_through(fields: Fields) -> None:
    """Rows 26, 27, and the framing, which is ours to choose."""
    nominated = {t.strip().lower() for n, v in fields if n.lower() == b"connection" for t in v.split(b",")}
    passed = answer_fields(fields)
    assert not {name.lower() for name, _ in passed} & (HOP_BY_HOP | nominated | {b"content-length"})
    assert passed == [f for f in fields if f[0].lower() not in HOP_BY_HOP | nominated | {b"content-length"}]


@pytest.mark.property_test
@given(
    st.text(max_size=40)
    | st.sampled_from(["*", "/", "//", "http://a", "http://", "HTTP://[::1]:1?x", "/%zz", "/\udcff"]),
    st.sampled_from(["GET", "OPTIONS", "CONNECT", "POST", "HEAD"]),
    st.sampled_from([(1, 1), (1, 0), (0, 9), (2, 0)]),
    st.lists(st.tuples(names, st.binary(max_size=20)), max_size=8),
)
def test_no_head_raises_and_what_is_read_can_be_written(
    target: str, method: str, version: tuple[int, int], fields: Fields
) -> None:
    """The parser in front may change; this must hold of whatever it lets through."""
    head = read_head(method, target, version, fields, 100)
    if isinstance(head, Refusal):
        assert 400 <= head.status <= 599
        assert page(head).startswith(b"HTTP/1.1 %d " % head.status)
        return
    line = request_head(head.method, head.target, head.host or b"", [], []).split(b"\r\n")[0]
    assert line.count(b" ") == 2
    assert not set(line) & set(b"\r\n\x00\t")
    assert head.path == "*" or head.path.startswith("/")
    assert b"\r" not in (head.host or b"") and b"\n" not in (head.host or b"")


@pytest.mark.property_test
@given(
    st.lists(
        st.sampled_from(
            [
                (b"Content-Length", b"5"),
                (b"Content-Length", b"6"),
                (b"Transfer-Encoding", b"chunked"),
                (b"content-length", b" 5"),
                (b"Transfer-Encoding", b"gzip, chunked"),
            ]
        ),
        max_size=3,
    )
)
def test_exactly_one_framing_is_written_for_a_body_and_none_without(fields: Fields) -> None:
    """Row 9: RFC 9112 section 6."""
    head = read_head("POST", "/", (1, 1), [(b"Host", b"a"), *fields], 100)
    if isinstance(head, Head):
        framing = request_framing(head)
        assert len(framing) == (1 if fields else 0)
        assert head.has_body == bool(framing)


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [("10.1.2.3", True), ("11.1.2.3", False), ("fd00::1", True), ("fe80::1%eth0", False), ("", False), ("unix", False)],
)
def test_a_peer_is_trusted_by_its_address(peer: str, trusted: bool) -> None:
    """Row 33."""
    assert is_trusted(peer, [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]) is trusted
    assert not is_trusted(peer, [])


def test_an_ipv6_peer_is_bracketed_in_forwarded() -> None:
    """RFC 7239 section 6."""
    hop = Hop("fd00::1", False, b"id", b"trace", False, b"us")
    sent = dict(request_fields(_head([]), hop))
    assert sent[b"Forwarded"] == b'for="[fd00::1]";proto=http;host=a'
    assert sent[b"X-Forwarded-For"] == b"fd00::1"


def test_a_peer_without_an_address_is_unknown() -> None:
    """RFC 7239 section 6.1."""
    sent = dict(request_fields(_head([]), Hop("", False, b"id", b"trace", False, b"us")))
    assert sent[b"Forwarded"] == b"for=unknown;proto=http;host=a"


@pytest.mark.property_test
@given(st.lists(st.tuples(names, values), max_size=6))
def test_ids_are_taken_over_only_if_they_are_well_formed(fields: Fields) -> None:
    """They go into logs."""
    for found in (request_id_of(fields), trace_parent_of(fields)):
        assert found is None or (found.isascii() and b" " not in found)
    assert came_through(fields, b"us") in (True, False)


def test_a_head_is_written_as_http_1_1() -> None:
    """RFC 9112 sections 3, 4."""
    assert request_head("GET", b"/x", b"a", [(b"A", b"1")], [(b"Content-Length", b"0")]) == (
        b"GET /x HTTP/1.1\r\nHost: a\r\nA: 1\r\nContent-Length: 0\r\n\r\n"
    )
    assert answer_head(200, b"", [(b"A", b"1")]) == b"HTTP/1.1 200 \r\nA: 1\r\n\r\n"
