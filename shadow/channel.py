"""What travels between an edge and a shadow worker: frames one way, a few words the other way."""

from __future__ import annotations

from dataclasses import dataclass, field

from shadow.exchange import PREFIX, rest_length


class Frames:
    """Cuts a stream of bytes into whole frames. A frame above `limit` is passed over without being held."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()
        self._to_discard = 0

    def feed(self, data: bytes) -> tuple[list[bytes], int]:
        """The frames that are complete now, and how many were passed over because of their size."""
        frames: list[bytes] = []
        passed_over = 0
        self._held += data
        while True:
            self._discard()
            if len(self._held) < PREFIX:
                return frames, passed_over
            length = PREFIX + rest_length(bytes(self._held[:PREFIX]))
            if length > self._limit or length < PREFIX:
                # A length below its own prefix cannot be made by `encode`; passing over it keeps us moving.
                self._to_discard, passed_over = max(length, PREFIX), passed_over + 1
            elif len(self._held) >= length:
                frames.append(bytes(self._held[:length]))
                del self._held[:length]
            else:
                return frames, passed_over

    def _discard(self) -> None:
        gone = min(self._to_discard, len(self._held))
        del self._held[:gone]
        self._to_discard -= gone


@dataclass(slots=True)
class Told:
    """What a worker told its edge: how many frames it has dealt with, and whom it does not ask at present."""

    done: int = 0
    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)


def done(frames: int) -> bytes:
    """The worker has dealt with this many more frames: each has its verdict or its skip."""
    return b"done %d\n" % frames


def breaker(name: str, open_: bool) -> bytes:
    """The worker stopped asking a backend, or is ready to try it again."""
    return f"{'open' if open_ else 'closed'} {name}\n".encode()


def heard(lines: list[bytes]) -> Told:
    """What whole lines from a worker say. Unknown words are passed over: the worker may be newer than the edge."""
    told = Told()
    for line in lines:
        word, _, rest = line.partition(b" ")
        if word == b"done" and rest.isdigit():
            told.done += int(rest)
        elif word in (b"open", b"closed"):
            (told.opened if word == b"open" else told.closed).append(rest.decode("utf-8", "replace"))
    return told
