"""What an operator may say about mirroring and comparing: the `mirror:` and `compare:` parts of the configuration."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from shadow.compare.paths import checked
from shadow.values import Duration, Percent, Size

STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True, config=STRICT)
class MirrorSettings:
    """How many reads are copied to the other backend, and what a copy may cost."""

    percent: Percent = 100
    """Share of the mirrored routes' requests that is copied; the rest is counted as `sampled_out`."""
    rate: Annotated[float, Field(gt=0)] = 200
    """Copies a second per edge process at the most; more are counted as `rate`."""
    body_limit: Size = 1024 * 1024
    """A request or answer body above this is not copied; counted as `too_large`."""
    queue: Size = 32 * 1024 * 1024
    """Bytes of captured exchanges that an edge process holds at the most; more are counted as `queue_full`."""
    timeout: Duration = 10.0
    """Seconds that a copy may take on the standby."""
    concurrency: Annotated[int, Field(ge=1)] = 16
    """Copies under way at once in one shadow worker."""
    workers: Annotated[int, Field(ge=1)] = 1
    """Shadow worker processes."""


class RuleKind(StrEnum):
    """What a compare rule allows."""

    IGNORE = "ignore"
    NUMERIC_STRING = "numeric_string"
    SAME_INSTANT = "same_instant"
    UNORDERED = "unordered"
    ABSENT_IS_NULL = "absent_is_null"
    STATUS = "status"
    ERROR_ENVELOPE = "error_envelope"


@dataclass(frozen=True, config=STRICT)
class Rule:
    """A named difference that is allowed, with the reason why."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    kind: RuleKind
    reason: Annotated[str, Field(min_length=1)]
    routes: tuple[str, ...] = ()
    """Route names it holds for, such as `GET /api/v1/cadets/{id}`; none = every route."""
    paths: tuple[Annotated[str, AfterValidator(checked)], ...] = ()
    """JSON paths it holds for, such as `$.total`, `$.data[*].birthdate` or `$..id`; none = everywhere in the body.
    `ignore` may also name a part of the answer: `status`, `body`, `header.content-type` or `header.location`."""
    key: str | None = None
    """For `unordered`: the field that tells elements apart; none = by their whole value."""
    ties: tuple[str, ...] = ()
    """For `unordered`: the fields that the list is ordered by. Then only elements that are equal in all of them may
    change places, also with such elements of the next or the previous page; none = the order does not matter at all."""
    precision: Literal["s", "ms", "us"] = "ms"
    """For `same_instant`: finer digits are cut off before comparing. A date alone is its midnight in UTC."""
    statuses: tuple[tuple[int, int], ...] = ()
    """For `status`: the pairs (active, standby) that count as equal, such as `[200, 201]`.
    For any other kind: the rule holds only where the two answers have one of these pairs; none = always."""
    expires: date | None = None
    """From this day on the rule no longer holds."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind is RuleKind.STATUS and not self.statuses:
            raise ValueError("statuses: a rule of kind status needs the pairs it allows, such as [[200, 201]]")
        if self.key is not None and self.kind is not RuleKind.UNORDERED:
            raise ValueError("key: only a rule of kind unordered has one")
        if self.ties and self.kind is not RuleKind.UNORDERED:
            raise ValueError("ties: only a rule of kind unordered has them")
        return self


@dataclass(frozen=True, config=STRICT)
class CompareSettings:
    """How two answers are compared."""

    rules: tuple[Rule, ...] = ()
    redact: tuple[str, ...] = ("password", "token", "secret", "authorization", "cookie", "api_key")
    """Fields whose name contains one of these (in any letter case) are replaced before anything is stored."""
    examples: Annotated[int, Field(ge=1, le=50)] = 5
    """Examples kept for each group of mismatches."""
    timeout: Duration = 2.0
    """Seconds that one comparison may take; more is counted as not compared."""
    noise_percent: Percent = 1.0
    """Share of matched exchanges for which the active backend is asked again, to find its own disagreements."""
    retention: Duration = 14 * 86400.0
    """Examples older than this are removed."""
