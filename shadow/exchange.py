"""One request with its answer, and how it travels from an edge to a shadow worker."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import orjson

Field = tuple[bytes, bytes]
Fields = tuple[Field, ...]

_LENGTHS = struct.Struct("!II")
PREFIX = _LENGTHS.size


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with the answer that its client got. Bytes are those of the wire; bodies are not decoded.

    `headers` are the request's end-to-end fields as they went to the backend that served it, without `Host`
    (kept apart in `host`, as the client sent it) and without the framing fields.
    """

    id: str
    at: float  # Unix time of arrival, seconds
    seconds: float  # from arrival to the end of the answer
    epoch: int
    active: str  # names of backends
    served: str  # which one gave the answer below
    mirrored: str  # which one is to be asked for the other answer
    route: str  # the template, never the raw path
    kind: str  # the route's class: read or auth
    method: str
    target: bytes
    host: bytes
    headers: Fields
    body: bytes
    status: int
    answer_headers: Fields
    answer_body: bytes


def encode(exchange: Exchange) -> bytes:
    """One frame: length of the rest, length of the head, the head as JSON, the two bodies."""
    head = orjson.dumps(
        {
            "id": exchange.id,
            "at": exchange.at,
            "seconds": exchange.seconds,
            "epoch": exchange.epoch,
            "active": exchange.active,
            "served": exchange.served,
            "mirrored": exchange.mirrored,
            "route": exchange.route,
            "kind": exchange.kind,
            "method": exchange.method,
            "target": exchange.target.decode("latin-1"),
            "host": exchange.host.decode("latin-1"),
            "headers": _as_text(exchange.headers),
            "body": len(exchange.body),
            "status": exchange.status,
            "answer_headers": _as_text(exchange.answer_headers),
        }
    )
    rest = 4 + len(head) + len(exchange.body) + len(exchange.answer_body)
    return b"".join((_LENGTHS.pack(rest, len(head)), head, exchange.body, exchange.answer_body))


def rest_length(prefix: bytes) -> int:
    """How many bytes follow the eight bytes of a frame's prefix."""
    rest, _ = _LENGTHS.unpack(prefix)
    return int(rest) - 4


def decode(frame: bytes) -> Exchange:
    """The exchange of one whole frame, prefix included. Raises ValueError on a frame that `encode` did not make."""
    try:
        rest, head_length = _LENGTHS.unpack_from(frame)
        if len(frame) != rest + 4:
            raise ValueError("the frame is cut short")
        head = orjson.loads(frame[PREFIX : PREFIX + head_length])
        body_end = PREFIX + head_length + head.pop("body")
        return Exchange(
            **head
            | {
                "target": head["target"].encode("latin-1"),
                "host": head["host"].encode("latin-1"),
                "headers": _as_bytes(head["headers"]),
                "answer_headers": _as_bytes(head["answer_headers"]),
                "body": frame[PREFIX + head_length : body_end],
                "answer_body": frame[body_end:],
            }
        )
    except (struct.error, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not an exchange: {error!r}") from error


def _as_text(fields: Fields) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]


def _as_bytes(fields: list[tuple[str, str]]) -> Fields:
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields)
