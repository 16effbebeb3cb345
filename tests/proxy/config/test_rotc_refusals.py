"""Which 500 of the legacy means that nothing was done: those in the words of config/rotc.yaml, and no others."""

from __future__ import annotations

import orjson
import pytest

from proxy.config import read
from proxy.edge.outcomes import outcome_of
from shadow.connection import AnswerHead
from shadow.dualwrite.entry import State
from stack.paths import ROOT

REFUSALS = read(ROOT / "config" / "rotc.yaml", {}).backends["node"].refusals


def became(text: str) -> State:
    """The state of a write whose 500 says this."""
    body = orjson.dumps({"message": text})
    return outcome_of("i-1", AnswerHead(500, b"X", (), None), body, refusals=REFUSALS).state


@pytest.mark.parametrize(
    "text",
    [
        'duplicate key value violates unique constraint "cadets_student_id_key"',
        'null value in column "title" of relation "activities" violates not-null constraint',
        'invalid input syntax for type integer: "2abc"',
        'value "99999999999" is out of range for type integer',
        "date/time field value out of range",
        'invalid byte sequence for encoding "UTF8": 0x00',
        "Unexpected token 'x', \"x\" is not valid JSON",
        "Expected property name or '}' in JSON at position 1",
        "Unexpected end of JSON input",
        "request entity too large",
        "File too large",
        "connect ECONNREFUSED 127.0.0.1:5432",
        "the database system is starting up",
    ],
)
def test_what_was_refused_before_anything_was_done_has_failed(text: str) -> None:
    assert became(text) is State.FAILED


@pytest.mark.parametrize(
    "text",
    [
        "Connection terminated unexpectedly",
        "terminating connection due to unexpected postmaster exit",
        "terminating connection due to administrator command",
        "read ECONNRESET",
        "write EPIPE",
        "Client has encountered a connection error and is not queryable",
        "canceling statement due to statement timeout",
        "Cannot read properties of undefined (reading 'id')",
        "Internal Server Error",
    ],
)
def test_what_may_have_been_done_is_unknown(text: str) -> None:
    assert became(text) is State.UNKNOWN
