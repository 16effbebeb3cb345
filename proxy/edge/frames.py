"""Where WebSocket frames end in a stream of bytes: the only places where the edge may put in a word of its own."""

from __future__ import annotations

SERVICE_RESTART = b"\x88\x02\x03\xf4"  # a Close frame with status 1012: come back, it is not your fault


class Frames:
    """Follows a stream of frames (RFC 6455 section 5.2) without keeping any of it."""

    __slots__ = ("_head", "_left")

    def __init__(self) -> None:
        self._head = b""  # what is known of the present frame's head
        self._left = 0  # bytes of its payload that are still to come

    @property
    def between(self) -> bool:
        """Whether the last frame is whole and the next one has not begun."""
        return not self._head and not self._left

    def follow(self, data: bytes, *, stop: bool = False) -> int:
        """Go through the data; how many bytes that was: all, or with `stop` up to where the present frame ends."""
        at = 0
        while at < len(data) and not (stop and self.between):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
            else:
                step = self._follow_head(data, at)
            at += step
        return at

    def _follow_head(self, data: bytes, at: int) -> int:
        part = data[at : at + _head_size(self._head) - len(self._head)]
        self._head += part
        if len(self._head) == _head_size(self._head):
            self._left = _payload_size(self._head)
            self._head = b""
        return len(part)


def _head_size(head: bytes) -> int:
    """How long the head is, as far as that is known: two bytes, the longer length, the mask."""
    if len(head) < 2:
        return 2
    return 2 + {126: 2, 127: 8}.get(head[1] & 127, 0) + (4 if head[1] & 128 else 0)


def _payload_size(head: bytes) -> int:
    short = head[1] & 127
    if short < 126:
        return short
    return int.from_bytes(head[2:4] if short == 126 else head[2:10], "big")
