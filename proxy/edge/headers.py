"""The fields of the next hop: hop-by-hop fields go, ours are set afterwards, everything else passes byte for byte.

RFC 9110 section 7.6.1: first strip what `Connection` names, then add our own, so that a client cannot strip ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from proxy.edge.head import Head, RawFields

Field = tuple[bytes, bytes]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    }
)
_FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"via"})
_SET_BY_US = frozenset({b"host", b"content-length", b"expect", b"x-request-id", b"traceparent"}) | _FORWARDED
_NOT_PASSED = HOP_BY_HOP | _SET_BY_US
_FORWARDED_ALL = b"x-forwarded-"  # also Port, Prefix and what else is made up: only a trusted peer may say so
_OURS = b"x-cutover-"
_FRAMING = frozenset({b"content-length"}) | HOP_BY_HOP

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_TRACE_PARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Hop:
    """What the edge knows of this request's way: who sent it, and the ids it travels under."""

    peer: str
    trusted: bool  # the peer is one of `trusted_proxies`: what it says of the way so far is kept
    request_id: bytes
    trace_parent: bytes
    traced: bool  # the trace parent is the client's own, so its trace state means something
    pseudonym: bytes  # our name in Via


def is_trusted(peer: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether `peer`, an address in text, is in one of the networks."""
    if not networks:
        return False
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in networks)


def first_value(fields: RawFields, name: bytes) -> bytes | None:
    """The value of the first field called `name` (lower case)."""
    for found, value in fields:
        if found.lower() == name:
            return value
    return None


def request_id_of(fields: RawFields) -> bytes | None:
    """The client's own request id, if it is fit to be logged and passed on."""
    value = first_value(fields, b"x-request-id")
    return value if value is not None and _REQUEST_ID.fullmatch(value) else None


def trace_parent_of(fields: RawFields) -> bytes | None:
    """The client's trace context, if it is well-formed (W3C Trace Context section 3.2)."""
    value = first_value(fields, b"traceparent")
    return value if value is not None and _TRACE_PARENT.fullmatch(value) else None


def came_through(fields: RawFields, pseudonym: bytes) -> bool:
    """Whether the request already passed this deployment: a loop (RFC 9110 section 7.6.3)."""
    return any(
        name.lower() == b"via"
        and pseudonym in value
        and any(hop.split()[1:2] == [pseudonym] for hop in value.split(b","))
        for name, value in fields
    )


def request_fields(head: Head, hop: Hop) -> list[Field]:
    """The fields for a backend, without Host and framing: end-to-end fields in their order, then ours."""
    nominated = head.nominated
    passed: list[Field] = []
    way: dict[bytes, list[bytes]] = {}
    for field in head.fields:
        name = field[0].lower()
        if name in _FORWARDED:
            way.setdefault(name, []).append(field[1])
        elif name in _NOT_PASSED or name in nominated:
            continue
        elif (name[:1] not in b"xt" and b"_" not in name) or _may_pass(name, hop):  # most need no closer look
            passed.append(field)
    passed += _way(way if hop.trusted else {b"via": way.get(b"via", [])}, head, hop)
    passed.append((b"X-Request-ID", hop.request_id))
    passed.append((b"traceparent", hop.trace_parent))
    return passed


def _may_pass(name: bytes, hop: Hop) -> bool:
    """Whether a field whose name is like one of ours is for the backend."""
    if name.startswith(_OURS):
        return False
    if b"_" in name:
        # CGI and WSGI read it as a hyphen, so this may be another spelling of a field that is not the client's to set.
        hyphened = name.replace(b"_", b"-")
        return hyphened not in _NOT_PASSED and not hyphened.startswith((_OURS, _FORWARDED_ALL))
    if name == b"tracestate":
        return hop.traced
    return hop.trusted or not name.startswith(_FORWARDED_ALL)


def _way(said: dict[bytes, list[bytes]], head: Head, hop: Hop) -> list[Field]:
    """X-Forwarded-* and Forwarded (RFC 7239 section 4): appended to what a trusted peer said, else set anew."""
    peer = hop.peer.encode("ascii", "replace")
    host = head.host or b""
    node = b'"[%s]"' % peer if b":" in peer else peer or b"unknown"
    element = b"for=%s;proto=http" % node
    if host:
        element += b";host=" + (host if _TOKEN.fullmatch(host) else b'"%s"' % host)
    via = b"1.%d %s" % (head.http11, hop.pseudonym)
    fields = [
        (b"X-Forwarded-For", b", ".join([*said.get(b"x-forwarded-for", ()), peer])),
        (b"X-Forwarded-Proto", said.get(b"x-forwarded-proto", [b"http"])[-1]),
        (b"Forwarded", b", ".join([*said.get(b"forwarded", ()), element])),
        (b"Via", b", ".join([*said.get(b"via", ()), via])),
    ]
    forwarded_host = said.get(b"x-forwarded-host", [host])[-1]
    if forwarded_host:
        fields.insert(1, (b"X-Forwarded-Host", forwarded_host))
    return fields


def request_head(method: str, target: bytes, host: bytes, fields: Sequence[Field], framing: Sequence[Field]) -> bytes:
    """The bytes of a request head, as HTTP/1.1."""
    lines = [b"%s %s HTTP/1.1\r\nHost: %s" % (method.encode("ascii"), target, host)]
    lines += [b"%s: %s" % field for field in fields]
    lines += [b"%s: %s" % field for field in framing]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def request_framing(head: Head) -> list[Field]:
    """Exactly one of Content-Length and Transfer-Encoding where there is a body; a length of 0 is kept."""
    if head.chunked:
        return [(b"Transfer-Encoding", b"chunked")]
    return [] if head.length is None else [(b"Content-Length", b"%d" % head.length)]


def nominated_by(fields: RawFields) -> frozenset[bytes]:
    """The lower-case tokens of all `Connection` fields."""
    values = [value for name, value in fields if name.lower() == b"connection"]
    return frozenset(token.strip().lower() for value in values for token in value.split(b","))


def answer_fields(fields: RawFields) -> list[Field]:
    """A backend's end-to-end fields for the client, in their order, without framing."""
    nominated = nominated_by(fields)
    dropped = _FRAMING | nominated if nominated else _FRAMING
    return [field for field in fields if field[0].lower() not in dropped]


def answer_head(status: int, reason: bytes, fields: Sequence[Field]) -> bytes:
    """The bytes of an answer's head; the edge always speaks HTTP/1.1."""
    lines = [b"HTTP/1.1 %d %s" % (status, reason)]
    lines += [b"%s: %s" % field for field in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"
