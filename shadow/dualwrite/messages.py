"""What travels between an edge and its machine's journal writer: frames of a JSON head and a body, both ways."""

from __future__ import annotations

import struct
from typing import Any

import orjson

from shadow.dualwrite.admission import Admission, Admitted, Noted, Refused, Repeated, Why
from shadow.dualwrite.entry import Intent, Outcome, State
from shadow.dualwrite.sealing import answer_as_bytes, answer_of, request_as_bytes, request_of
from shadow.exchange import PREFIX

FRAME_LIMIT = 64 * 1024 * 1024
_LENGTHS = struct.Struct("!II")  # the prefix of shadow.exchange, so that shadow.channel.Frames can cut it


def _frame(head: dict[str, Any], body: bytes = b"") -> bytes:
    written = orjson.dumps(head)
    return b"".join((_LENGTHS.pack(4 + len(written) + len(body), len(written)), written, body))


def parted(frame: bytes) -> tuple[dict[str, Any], bytes]:
    """Head and body of a whole frame. Raises ValueError on what is none."""
    try:
        _, length = _LENGTHS.unpack_from(frame)
        return dict(orjson.loads(frame[PREFIX : PREFIX + length])), frame[PREFIX + length :]
    except (struct.error, TypeError) as error:
        raise ValueError(f"not a message: {error!r}") from error


def intent(turn: int, told: Intent) -> bytes:
    """An edge asks for admission; `turn` comes back with the answer."""
    head = {
        "turn": turn, "is": "intent", "id": told.id, "epoch": told.epoch, "at": told.at, "forward_by": told.forward_by,
        "route": told.route, "lanes": told.lanes, "client": told.client, "key": told.key,
        "fingerprint": told.fingerprint, "sequence": told.sequence, "wait_until": told.wait_until,
    }  # fmt: skip
    return _frame(head, request_as_bytes(told.request, told.actor))


def outcome(turn: int, told: Outcome) -> bytes:
    """An edge tells what became of a write."""
    head = {"turn": turn, "is": "outcome", "id": told.id, "state": told.state.value, "reason": told.reason,
            "ended": told.ended, "answered": told.answer is not None}  # fmt: skip
    return _frame(head, b"" if told.answer is None else answer_as_bytes(told.answer))


def asked(frame: bytes) -> tuple[int, Intent | Outcome]:
    """What an edge sent. Raises ValueError."""
    head, body = parted(frame)
    try:
        turn = int(head.pop("turn"))
        if head.pop("is") == "intent":
            request, actor = request_of(body)
            return turn, Intent(**head | {"lanes": tuple(head["lanes"]), "request": request, "actor": actor})
        answer = answer_of(body) if head.pop("answered") else None
        return turn, Outcome(**head | {"state": State(head["state"]), "answer": answer})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a message of an edge: {error!r}") from error


def answer(turn: int, given: Admission | Noted) -> bytes:
    """The writer's answer."""
    match given:
        case Admitted(number, after):
            return _frame({"turn": turn, "is": "admitted", "number": number, "after": after})
        case Refused(why, epoch):
            return _frame({"turn": turn, "is": "refused", "why": why.value, "epoch": epoch})
        case Repeated(number, recorded):
            return _frame({"turn": turn, "is": "repeated", "number": number}, answer_as_bytes(recorded))
        case Noted():
            return _frame({"turn": turn, "is": "noted", "noted": given.value})


def answered(frame: bytes) -> tuple[int, Admission | Noted]:
    """What the writer sent. Raises ValueError."""
    head, body = parted(frame)
    try:
        turn, kind = int(head["turn"]), head["is"]
        if kind == "admitted":
            return turn, Admitted(head["number"], head["after"])
        if kind == "refused":
            return turn, Refused(Why(head["why"]), head["epoch"])
        if kind == "repeated":
            return turn, Repeated(head["number"], answer_of(body))
        return turn, Noted(head["noted"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a message of the writer: {error!r}") from error
