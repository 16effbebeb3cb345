"""Whether an exchange is mirrored, and if not, why: every skip has a reason that is counted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b


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
    FAILED = "failed"  # a mistake of cutover itself; the log has the details


MIRRORED_KINDS = frozenset({"read", "auth"})
_POINTS = float(1 << 53)


def sample_point(request_id: str) -> float:
    """A number in [0, 1) that depends on the id alone: every edge, and every try, samples a request alike."""
    digest = blake2b(request_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / _POINTS


def before_capture(*, copies: bool, kind: str, mirror: bool, point: float, percent: float) -> Skip | None:
    """What can be said from the request's head alone, so that what is not wanted need not be captured."""
    if not copies:
        return Skip.RESTING
    if not mirror or kind not in MIRRORED_KINDS:
        return Skip.ROUTE
    if point * 100 >= percent:
        return Skip.SAMPLED_OUT
    return None


def after_capture(
    *, largest: int, limit: int, connected: bool, breaker_open: bool, queued: int, room: int, tokens: float
) -> Skip | None:
    """What can be said of a whole exchange. The rate comes last: a token is for what is really handed over."""
    if largest > limit:
        return Skip.TOO_LARGE
    if not connected:
        return Skip.NO_WORKER
    if breaker_open:
        return Skip.BREAKER_OPEN
    if queued > room:
        return Skip.QUEUE_FULL
    if tokens < 1:
        return Skip.RATE
    return None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket: what is in it, and when that was counted (monotonic seconds)."""

    tokens: float
    at: float

    def refilled(self, now: float, rate: float) -> Bucket:
        """The bucket at `now`. It never holds more than one second's worth, and always room for one token."""
        gained = max(0.0, now - self.at) * rate
        return Bucket(min(max(1.0, rate), self.tokens + gained), max(now, self.at))

    def taken(self) -> Bucket:
        """The bucket with one token less; ask `tokens >= 1` first."""
        return Bucket(self.tokens - 1, self.at)
