"""What the standby's answer to a copy means: a decision as a value, which the replayer carries out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import orjson

from shadow.answer import Answer, AskFailed, Reason

FIRST_WAIT = 0.05
LONGEST_WAIT = 15.0
WAIT_FOR_CONNECTION = 0.5  # a connection that is refused costs nothing, and everything waits for one that is not
WAIT_WHEN_BUSY = 1.0
IN_PROGRESS_TRIES = 20
NOT_PROVEN = "COPY_NOT_PROVEN"  # says nothing about the write, and ends once the deployment is put right
FAULT_TRIES = 12  # about a minute and a half: a standby that is sick for a moment parks nothing


class Act(StrEnum):
    """What to do with the entry."""

    COMPARE = "compare"  # the standby did it
    WAIT = "wait"  # the standby takes nothing at present: says nothing about the write, so it counts as no try
    RETRY = "retry"  # it may not have happened, and asking again by id is safe
    REFUSED = "refused"  # final only once everything that started before it completed is settled
    HEAL = "heal"  # it may have happened and must not be sent again


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, after how many seconds at the earliest, and why in plain words."""

    act: Act
    why: str
    wait: float = 0.0
    ended: bool | None = None
    """False: this copy may still land. True: no copy can, it is done. None: as before."""


def back_off(attempts: int) -> float:
    """Seconds before the next try; doubled each time, up to a bound."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempts, 20))


def decide(heard: Answer | AskFailed, *, ids: bool, attempts: int) -> Decision:
    """What an answer or its absence means. `ids`: the backend does nothing twice under one Idempotency-Key."""
    wait = back_off(attempts)
    if isinstance(heard, AskFailed):
        return _unanswered(heard, ids, wait)
    status = heard.status
    if 200 <= status < 400:
        return Decision(Act.COMPARE, f"answered {status}", ended=True)
    # What names no reason for programs may be the word of somebody before the backend, who only gave up waiting for it.
    ended = None if status < 500 or code_of(heard) is not None else False
    if status in (429, 503):
        return Decision(Act.WAIT, f"answered {status}: it takes nothing at present", _asked_for(heard), ended)
    if status == 403 and code_of(heard) == NOT_PROVEN:
        why = "answered 403: it does not believe that copies come from cutover; compare the secrets and the clocks"
        return Decision(Act.WAIT, why, WAIT_WHEN_BUSY)
    if status == 409 and ids and code_of(heard) in (None, "IN_PROGRESS"):
        act = Act.RETRY if attempts < IN_PROGRESS_TRIES else Act.REFUSED
        return Decision(act, "answered 409: an earlier copy may still be under way", wait, False)
    if status in (502, 504) and ids:
        return Decision(Act.RETRY, f"answered {status}: asked again by its id", wait, False)
    if status >= 500 and ids and attempts < FAULT_TRIES:
        why = f"answered {status}: it may get well, and asking again by its id is safe"
        return Decision(Act.RETRY, why, wait, ended)
    if status in (502, 504):
        return Decision(Act.HEAL, f"answered {status}: it may still happen")
    if status >= 500 and not ids:
        return Decision(Act.HEAL, f"answered {status}: it may have happened in part", ended=True)
    return Decision(Act.REFUSED, f"answered {status}", wait, ended)


def _asked_for(answer: Answer) -> float:
    """Seconds of a Retry-After (RFC 9110 section 10.2.3), within bounds; a date is taken for no answer."""
    said = answer.header(b"retry-after") or b""
    return min(LONGEST_WAIT, max(WAIT_WHEN_BUSY, float(said))) if said.isdigit() else WAIT_WHEN_BUSY


def code_of(answer: Answer) -> object:
    """What an answer calls its reason, for programs; None if it names none."""
    try:
        said = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    return said.get("code") if isinstance(said, dict) else None


def _unanswered(failed: AskFailed, ids: bool, wait: float) -> Decision:
    if failed.reason is Reason.REFUSED:
        return Decision(Act.WAIT, f"no connection: {failed}", WAIT_FOR_CONNECTION)
    if not ids:
        return Decision(Act.HEAL, f"it may have happened: {failed}")
    if failed.reason in (Reason.TIMEOUT, Reason.RESET):
        return Decision(Act.RETRY, f"no answer, asked again by its id: {failed}", wait, False)
    return Decision(Act.REFUSED, f"no answer that can be used: {failed}", wait, False)
