"""Whether an exchange is mirrored, and if not, why: every skip has a reason that is counted."""

from __future__ import annotations

from enum import StrEnum


class Skip(StrEnum):
    """Why an exchange was not mirrored or not compared. No mirror is skipped in silence (design.md section 3)."""

    RESTING = "resting"  # the phase copies nothing
    ROUTE = "route"  # the route's class is not mirrored
    SAMPLED_OUT = "sampled_out"
    RATE = "rate"
    TOO_LARGE = "too_large"
    QUEUE_FULL = "queue_full"
    BREAKER_OPEN = "breaker_open"
    CLIENT_GONE = "client_gone"
    ANSWER_BROKEN = "answer_broken"  # the backend's answer ended early, there is nothing to compare
    NO_WORKER = "no_worker"
