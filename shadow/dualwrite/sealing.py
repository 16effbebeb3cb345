"""Bodies and headers at rest: AES-256-GCM, with the id of the key beside what it sealed (design.md section 4, I16)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shadow.answer import Answer
from shadow.dualwrite.entry import Request
from shadow.exchange import Fields

_NONCE = 12


class MissingKey(Exception):
    """The journal holds what was sealed with keys that this process was not given: it must not start."""


class Unsealable(Exception):
    """What is stored was not sealed with its key for this place: it was changed or moved."""


@dataclass(frozen=True)
class Keyring:
    """Keys of 32 bytes by their id. `current` seals; the others are kept to read what they sealed."""

    keys: Mapping[str, bytes]
    current: str

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise MissingKey(f"the current key {self.current!r} is not in the ring")
        if any(len(key) != 32 for key in self.keys.values()):
            raise ValueError("a key has 32 bytes")

    def check(self, used: Iterable[str]) -> None:
        """Raises MissingKey unless every key that was used is here."""
        missing = sorted(set(used) - self.keys.keys())
        if missing:
            raise MissingKey(f"the journal was sealed with keys that are not given: {', '.join(missing)}")

    def seal(self, plain: bytes, place: str) -> bytes:
        """The text for exactly this place, such as `request <id>`: moved elsewhere it cannot be opened."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self.keys[self.current]).encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, place: str, key: str) -> bytes:
        """What `seal` was given. Raises MissingKey or Unsealable."""
        self.check([key])
        try:
            return AESGCM(self.keys[key]).decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode())
        except InvalidTag as error:
            raise Unsealable(place) from error


def request_as_bytes(request: Request, actor: str | None) -> bytes:
    """A request and its actor in one piece."""
    head = [request.method, _text(request.target), _text(request.host), _fields(request.headers), actor]
    return _joined(head, request.body)


def request_of(written: bytes) -> tuple[Request, str | None]:
    """The opposite of `request_as_bytes`."""
    (method, target, host, headers, actor), body = _parted(written)
    return Request(method, target.encode("latin-1"), host.encode("latin-1"), _as_fields(headers), body), actor


def answer_as_bytes(answer: Answer) -> bytes:
    """An answer in one piece."""
    return _joined([answer.status, _fields(answer.headers), answer.seconds], answer.body)


def answer_of(written: bytes) -> Answer:
    """The opposite of `answer_as_bytes`."""
    (status, headers, seconds), body = _parted(written)
    return Answer(status, _as_fields(headers), body, seconds)


def _joined(head: Sequence[object], body: bytes) -> bytes:
    written = orjson.dumps(head)
    return len(written).to_bytes(4, "big") + written + body


def _parted(written: bytes) -> tuple[list[Any], bytes]:
    end = 4 + int.from_bytes(written[:4], "big")
    return orjson.loads(written[4:end]), written[end:]


def _text(written: bytes) -> str:
    return written.decode("latin-1")


def _fields(fields: Fields) -> list[tuple[str, str]]:
    return [(_text(name), _text(value)) for name, value in fields]


def _as_fields(fields: list[tuple[str, str]]) -> Fields:
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields)
