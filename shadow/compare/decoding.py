"""Undoes a body's content coding on a copy, within a bound: a small body may stand for a very large one."""

from __future__ import annotations

import zlib
from enum import StrEnum

from shadow.answer import Answer

_GZIP = 16 + zlib.MAX_WBITS


class NotComparedReason(StrEnum):
    """Why two answers were not compared, or not to the end."""

    TOO_LARGE = "too_large"  # decoded, a body is above its limit
    TOO_COMPLEX = "too_complex"  # more values than may be looked at in the time that a comparison has
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    BAD_ENCODING = "bad_encoding"  # a body is not what its Content-Encoding says
    PARTIAL = "partial"  # the client asked for a part (206)
    NOT_MODIFIED = "not_modified"  # the client's copy was still good (304), and there was no room to ask again
    UNCONFIRMED = "unconfirmed"  # a difference that there was no room to confirm
    BAD_ANSWER = "bad_answer"
    FAILED = "failed"  # a mistake of cutover itself; the log has the details


class NotComparable(Exception):
    """These answers cannot be compared; the reason is counted."""

    def __init__(self, reason: NotComparedReason) -> None:
        self.reason = reason
        super().__init__(str(reason))


def decoded(answer: Answer, limit: int) -> bytes:
    """The body without its content coding. Raises NotComparable if that is unknown, broken or above `limit` bytes."""
    coding = (answer.header(b"content-encoding") or b"identity").strip().lower()
    if coding == b"identity" or not answer.body:
        return answer.body
    if coding in (b"gzip", b"x-gzip"):
        return _inflated(answer.body, _GZIP, limit)
    if coding == b"deflate":
        return _inflated(answer.body, _deflate_format(answer.body), limit)
    raise NotComparable(NotComparedReason.UNSUPPORTED_ENCODING)


def _deflate_format(body: bytes) -> int:
    """`deflate` means zlib's format; some servers send the bare stream, which has no such header."""
    is_zlib = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS


def _inflated(body: bytes, wbits: int, limit: int) -> bytes:
    parts: list[bytes] = []
    room = limit
    while body:  # gzip allows several members one after the other
        stream = zlib.decompressobj(wbits)
        try:
            part = stream.decompress(body, room + 1)
        except zlib.error as error:
            raise NotComparable(NotComparedReason.BAD_ENCODING) from error
        room -= len(part)
        if room < 0:
            raise NotComparable(NotComparedReason.TOO_LARGE)
        if not stream.eof:
            raise NotComparable(NotComparedReason.BAD_ENCODING)
        parts.append(part)
        body = stream.unused_data
    return b"".join(parts)
