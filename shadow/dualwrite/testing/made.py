"""Writes and outcomes as tests need them."""

from __future__ import annotations

from dataclasses import replace

from shadow.answer import Answer
from shadow.dualwrite.entry import Intent, Outcome, Request, State


def an_intent(id: str = "i-1", *lanes: str, **changes: object) -> Intent:
    """Alice adds a grade to the record of cadet 57."""
    request = Request("POST", b"/api/v1/grades", b"school.example", ((b"content-type", b"application/json"),), b"{}")
    intent = Intent(id, 1, 1_770_000_000.0, 1_770_000_010.0, "POST /api/v1/grades", lanes or ("cadets/57",), request)
    return replace(intent, **changes)  # type: ignore[arg-type]


CREATED = Answer(201, ((b"content-type", b"application/json"),), b'{"id": 1}')


def done(id: str, answer: Answer = CREATED) -> Outcome:
    """The active side did it."""
    return Outcome(id, State.DONE, answer)
