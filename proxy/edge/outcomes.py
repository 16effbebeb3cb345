"""What the answer to a journaled write means, and what its client is told where there is none (design.md section 4)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import orjson

from proxy.edge.head import RawFields, Refusal
from proxy.edge.headers import answer_fields, first_value
from proxy.edge.pages import RETRY_AFTER
from shadow.answer import Answer
from shadow.connection import AnswerHead, Fault, UpstreamError
from shadow.dualwrite.admission import Noted, Why
from shadow.dualwrite.entry import Outcome, State
from shadow.dualwrite.places import READ_AT_MOST

NOT_REACHED = frozenset({Fault.REFUSED, Fault.CONNECT_TIMEOUT, Fault.FULL})
"""The faults before the first byte of a request has left: nothing can have happened."""


ANY: tuple[str, ...] = ("",)
"""The refusals of a request that nobody can read: whatever its 500 says."""


_BALANCED_AT_MOST = 256 << 10  # characters in which brackets are counted while others wait
# A string that does not end goes on to the end of the text: so no character is looked at twice.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


def outcome_of(id: str, head: AnswerHead, body: bytes | None, *, refusals: Sequence[str]) -> Outcome:
    """The outcome of a write that was answered. `body` is None where it was too large to be kept.

    2xx and 3xx: done. 4xx: failed, and so is a 500 that says one of the `refusals`. Any other 5xx: it has ended, and
    may have happened in part, or as a whole: a backend that loses its database after a commit answers 500 too. A 502 or
    a 504 may be the word of a gateway that waits no longer, while the backend goes on.
    """
    answer = None if body is None else Answer(head.status, tuple(answer_fields(head.fields)), body)
    if head.status == 429:  # said to the client and not kept: it may come again with its key
        return Outcome(id, State.FAILED, reason="answered 429")
    if head.status < 400:
        return Outcome(id, State.DONE, answer)
    if head.status < 500:
        return Outcome(id, State.FAILED, answer, f"answered {head.status}")
    said = (body or b"").lower()
    if head.status == 500 and any(words.lower().encode() in said for words in refusals):
        return Outcome(id, State.FAILED, answer, "answered 500, which is a refusal here")
    return Outcome(id, State.UNKNOWN, answer, f"answered {head.status}", ended=head.status not in (502, 504))


def is_unreadable(fields: RawFields, body: bytes) -> bool:
    """Whether a body is sent as JSON and is none, to any reader: nobody can act on it.

    Such a request has a lane of its own, for what it is about cannot be told, and a 500 to it is a refusal. Otherwise a
    client that sends rubbish would take the lanes of everybody, and have rows healed for nothing. What is too long to
    be read on the way counts as readable.
    """
    kind = (first_value(fields, b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != b"application/json" or first_value(fields, b"content-encoding") is not None:
        return False
    if not 0 < len(body) <= READ_AT_MOST:
        return False
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return not _is_read_by_somebody(body)
    return False


def _is_read_by_somebody(body: bytes) -> bool:
    """Whether a lenient reader would take it: one that replaces bytes that are no text, counts to any number, nests to
    any depth, and takes NaN, half surrogates and other encodings. Express, for one, takes the first three."""
    text = body.decode(json.detect_encoding(body), "replace").removeprefix("\ufeff")
    try:
        json.loads(text, strict=False, parse_int=len, parse_float=len)
    except RecursionError:
        return len(text) > _BALANCED_AT_MOST or _is_balanced(text)
    except ValueError:
        return False
    return True


def _is_balanced(text: str) -> bool:
    """Whether every bracket is closed: of what is nested too deep to be read here, that has to do."""
    opener = {"]": "[", "}": "{"}
    opened: list[str] = []
    for token in _BRACKETS.findall(text):
        if token in opener.values():
            opened.append(token)
        elif token in opener and (not opened or opened.pop() != opener[token]):
            return False
    return not opened


def outcome_without_answer(id: str, error: UpstreamError) -> Outcome:
    """The outcome of a write whose backend gave no whole answer."""
    if error.fault in NOT_REACHED:
        return Outcome(id, State.FAILED, reason=f"not forwarded: {error}")
    return Outcome(id, State.UNKNOWN, reason=str(error))


def certain(outcome: Outcome, head: AnswerHead) -> Outcome:
    """The outcome of a write that was sent again, because nobody heard what became of the first sending.

    Success is success, and an answer that is said to be the recorded one is that of the first. Anything else may come
    from somebody before the backend, or say that the first is still under way: only the id tells what becomes of it.
    """
    recorded = (first_value(head.fields, b"idempotency-replayed") or b"").lower() == b"true"
    if outcome.state is State.DONE or recorded:
        return outcome
    return Outcome(outcome.id, State.UNKNOWN, reason=f"sent again, and answered {head.status}")


_NOT_ADMITTED = {
    Why.QUEUED: Refusal(503, "BUSY", "Writes to the same things are still under way. Try again.", (RETRY_AFTER,)),
    Why.FENCED: Refusal(503, "HELD", "Writes are held for a moment. Try again.", (RETRY_AFTER,)),
    Why.STALE_EPOCH: Refusal(503, "MOVING", "Writes are moving to the other side. Try again.", (RETRY_AFTER,)),
    Why.PARKED: Refusal(503, "PARKED", "An earlier write to the same things waits for an operator.", (RETRY_AFTER,)),
    Why.KEY_REUSED: Refusal(422, "KEY_REUSED", "This Idempotency-Key was used for another request."),
    Why.KEY_RUNNING: Refusal(409, "IN_PROGRESS", "The request with this Idempotency-Key has no answer to repeat yet."),
    Why.UNAVAILABLE: Refusal(503, "JOURNAL_UNAVAILABLE", "Writes cannot be stored at present.", (RETRY_AFTER,)),
}
LATE = Refusal(503, "NOT_FORWARDED", "The request could not be forwarded in time. It was not done.", (RETRY_AFTER,))
UNDECIDED = Refusal(504, "OUTCOME_UNKNOWN", "The request was forwarded, and it is not known yet whether it was done.")
ABANDONED = Refusal(503, "ABANDONED", "The server of this request was lost before it could be confirmed.")
BAD_KEY = Refusal(400, "BAD_IDEMPOTENCY_KEY", "Idempotency-Key must be 1 to 255 visible characters, given once.")


def not_admitted(why: Why) -> Refusal:
    """What the client of a write gets that must not be forwarded."""
    return _NOT_ADMITTED[why]


def unconfirmed(outcome: Outcome, noted: Noted | None) -> Refusal | None:
    """What the client gets instead of the answer, or None if it may have the answer. None: nothing was heard."""
    if noted is Noted.ABANDONED:
        return ABANDONED
    undecided = outcome.state is State.UNKNOWN and not outcome.ended
    return UNDECIDED if undecided or noted is not Noted.NOTED else None
