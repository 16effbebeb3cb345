"""Where requests begin in a client's bytes, and whether they begin well: what aiohttp's parser does not say."""

from __future__ import annotations

import re

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_REQUEST_LINE = re.compile(_TOKEN + rb"+ [!-~]+ HTTP/[0-9]\.[0-9]\r?\n")
_METHOD = re.compile(_TOKEN)
_BOUNDARY = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"


class MalformedLine(Exception):
    """The request line breaks RFC 9112 section 3."""


class Beginnings:
    """Follows what a client sends, by its last bytes only, and holds back a request line until it is whole."""

    __slots__ = ("_last", "_limit", "_line")

    def __init__(self, limit: int) -> None:
        self._limit = limit  # of a request line; a longer one is the parser's to refuse
        self._line = b""  # the beginning of a request line that is not whole yet
        self._last = _BOUNDARY  # a new connection is as good as one between two requests

    @property
    def at_boundary(self) -> bool:
        """Whether the bytes so far may be those of whole requests. If all of these are answered, the next byte surely
        begins one; otherwise its beginning may already be in the parser."""
        return self._last.endswith(_BOUNDARY)

    @property
    def ended_plainly(self) -> bool:
        """Whether the last bytes were those of a chunked body without trailers.

        aiohttp's parser keeps the last trailer and makes it a field of the next request. Behind a proxy that shares its
        connections that request is another client's; so a body that ended otherwise is the last on its connection."""
        return self._last == _LAST_CHUNK

    def follow(self, data: bytes, *, begins: bool) -> bytes:
        """The bytes for the parser: none while a request line is not whole. Raises MalformedLine. `begins`: a request
        begins with these data."""
        if self._line or begins:
            data = self._with_whole_line(data)
        if data:
            self._last = data[-7:] if len(data) >= 7 else (self._last + data)[-7:]
        return data

    def _with_whole_line(self, data: bytes) -> bytes:
        data = self._line + data
        self._line = b""
        start = 0
        while data.startswith(b"\r\n", start):
            start += 2
        end = data.find(b"\n", start)
        if end < 0 and len(data) <= self._limit:
            if len(data) > start and data[start:] != b"\r" and not _METHOD.match(data, start):
                raise MalformedLine
            self._line = data
            return b""
        if 0 <= end - start < self._limit and not _REQUEST_LINE.match(data, start):
            raise MalformedLine
        return data
