"""The head of a request: read into a value, or refused with the status that its fault deserves.

The parser in front of this has already refused broken framing (several lengths, length with coding, bare CR or LF,
folded lines); what it lets through and a proxy must not is refused here. Sources: RFC 9112 sections 3 and 6, RFC 9110
sections 7.2 and 9.3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

RawFields = Sequence[tuple[bytes, bytes]]

_TARGET = re.compile(r"[!\"$-~]+")  # printable ASCII, no fragment
_ABSOLUTE = re.compile(r"https?://([^/?]*)(.*)", re.IGNORECASE)
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]{0,5})?")
_DIGITS = re.compile(rb"[0-9]{1,19}")
_ALLOW = (b"Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
_READ = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect"})
NO_TOKENS: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that the edge gives itself. `message` is for people and never repeats what the client sent."""

    status: int
    code: str
    message: str
    fields: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """A request's head. `target` goes to the backend byte for byte; `host` is None only for HTTP/1.0 without one."""

    method: str
    target: bytes
    path: str
    host: bytes | None
    fields: RawFields
    http11: bool
    length: int | None
    chunked: bool
    nominated: frozenset[bytes]  # lower-case tokens of Connection
    keep_alive: bool
    websocket: bool
    expects_continue: bool

    @property
    def has_body(self) -> bool:
        """Whether bytes follow the head."""
        return self.chunked or bool(self.length)


def read_head(method: str, target: str, version: tuple[int, int], fields: RawFields, body_limit: int) -> Head | Refusal:
    """The head as a value, or why it is refused."""
    if version not in ((1, 0), (1, 1)):
        return Refusal(505, "HTTP_VERSION_NOT_SUPPORTED", "This server speaks HTTP/1.0 and HTTP/1.1.")
    if method in ("CONNECT", "TRACE"):
        return Refusal(405, "METHOD_NOT_ALLOWED", "This method is not served here.", (_ALLOW,))
    found = _found(fields)
    if isinstance(found, Refusal):
        return found
    where = _where(method, target, found.hosts)
    if isinstance(where, Refusal):
        return where
    framing = _framing(version, found, body_limit)
    if isinstance(framing, Refusal):
        return framing
    path, origin_form, host = where
    length, chunked = framing
    http11 = version == (1, 1)
    nominated = found.nominated
    return Head(
        method=method,
        target=origin_form,
        path=path,
        host=host,
        fields=fields,
        http11=http11,
        length=length,
        chunked=chunked,
        nominated=nominated,
        keep_alive=b"close" not in nominated and (http11 or b"keep-alive" in nominated),
        websocket=_is_websocket(found) and http11 and method == "GET" and not chunked and not length,
        expects_continue=http11 and bool(found.expect),
    )


def _is_websocket(found: _Found) -> bool:
    return b"upgrade" in found.nominated and found.upgrades == [b"websocket"]


@dataclass(slots=True)
class _Found:
    """The fields that matter here, gathered in one pass."""

    hosts: list[bytes]
    lengths: list[bytes]
    codings: list[bytes]
    upgrades: list[bytes]
    nominated: frozenset[bytes] = NO_TOKENS
    expect: bytes = b""


def _found(fields: RawFields) -> _Found | Refusal:
    found = _Found([], [], [], [])
    for name, value in fields:
        lower = name.lower()
        if lower not in _READ:
            continue
        match lower:
            case b"host":
                found.hosts.append(value)
            case b"content-length":
                found.lengths.append(value)
            case b"transfer-encoding":
                found.codings.append(value.strip().lower())
            case b"connection":
                found.nominated |= {token.strip().lower() for token in value.split(b",")}
            case b"upgrade":
                found.upgrades.append(value.strip().lower())
            case b"expect":
                found.expect = value.strip().lower()
    if found.expect and found.expect != b"100-continue":
        return Refusal(417, "EXPECTATION_FAILED", "The only expectation met here is 100-continue.")
    return found


def _where(method: str, target: str, hosts: list[bytes]) -> tuple[str, bytes, bytes | None] | Refusal:
    """(path for routing, target for the backend, authority). An absolute target's authority replaces Host and is never
    dialled (RFC 9112 section 3.2.2)."""
    if len(hosts) > 1:
        return Refusal(400, "BAD_REQUEST", "Host may be given once.")
    host = hosts[0] if hosts else None
    if not _TARGET.fullmatch(target):
        return Refusal(400, "BAD_REQUEST", "The request target has characters that may not be there.")
    absolute = _ABSOLUTE.match(target)
    if absolute is not None:
        host = absolute[1].encode()
        if not host:
            return Refusal(400, "BAD_REQUEST", "The request target has no authority.")
        rest = absolute[2]
        target = rest if rest.startswith("/") else ("*" if method == "OPTIONS" and not rest else "/" + rest)
    elif not target.startswith("/") and not (target == "*" and method == "OPTIONS"):
        return Refusal(400, "BAD_REQUEST", "The request target is not a path.")
    if host is not None and not _HOST.fullmatch(host):
        return Refusal(400, "BAD_REQUEST", "The value of Host is not a host.")
    return target.partition("?")[0], target.encode("ascii"), host


def _framing(version: tuple[int, int], found: _Found, body_limit: int) -> tuple[int | None, bool] | Refusal:
    if found.codings:
        if version == (1, 0) or found.lengths:
            return Refusal(400, "BAD_REQUEST", "Transfer-Encoding may not be used like this.")
        if found.codings != [b"chunked"]:
            # Stripping an inner coding that nobody undid would hand on a corrupted body (RFC 9112 section 6.1).
            return Refusal(501, "NOT_IMPLEMENTED", "The only transfer coding served here is chunked.")
        return None, True
    if not found.lengths:
        return None, False
    if len(set(found.lengths)) > 1 or not _DIGITS.fullmatch(found.lengths[0]):
        return Refusal(400, "BAD_REQUEST", "The value of Content-Length is not a length.")
    length = int(found.lengths[0])
    return too_large(body_limit) if length > body_limit else (length, False)


def too_large(body_limit: int) -> Refusal:
    """The answer to a body over the limit (RFC 9110 section 15.5.14)."""
    return Refusal(413, "CONTENT_TOO_LARGE", f"A request body may have {body_limit} bytes at the most.")
