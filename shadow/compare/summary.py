"""Mismatches in groups, so that an operator sees twelve differences and not a hundred thousand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from shadow.answer import Answer
from shadow.compare.redact import Redactor, beginning
from shadow.compare.verdict import Verdict
from shadow.compare.walk import Difference, Forgiven, Kind
from shadow.exchange import Exchange

_VALUE = 500


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What mismatches have in common that are shown as one."""

    route: str
    pattern: str
    kind: Kind

    @property
    def id(self) -> str:
        """Sixteen hex digits, the same on every machine and after every restart."""
        text = f"{self.route}\n{self.pattern}\n{self.kind}"
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Example:
    """One mismatch of a group, redacted. `active` and `standby` are the values as JSON; bodies are excerpts."""

    at: float
    request: str
    method: str
    target: str
    path: str
    active: str
    standby: str
    active_status: int
    standby_status: int
    active_body: str
    standby_body: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A place where the active backend disagrees with itself, with the rule that would allow it (YAML)."""

    route: str
    pattern: str
    kind: str
    rule: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One confirmed difference; with an example where the ledger still wanted one."""

    key: GroupKey
    example: Example | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one mirrored exchange: all that the ledger is told."""

    at: float
    route: str
    verdict: Verdict
    reason: str = ""
    mismatches: tuple[Mismatch, ...] = ()
    forgiven: frozenset[Forgiven] = frozenset()
    noise: tuple[Proposal, ...] = ()


def key_of(route: str, difference: Difference, redactor: Redactor) -> GroupKey:
    """The group of a difference. Names of fields may hold secrets, too."""
    return GroupKey(route, redactor.text(difference.pattern), difference.kind)


def example_of(
    exchange: Exchange, difference: Difference, active: Answer, standby: Answer, redactor: Redactor
) -> Example:
    """A difference with its surroundings, free of secrets."""
    return Example(
        at=exchange.at,
        request=exchange.id,
        method=exchange.method,
        target=redactor.target(exchange.target),
        path=redactor.text(difference.path),
        active=_value(difference, difference.active, redactor),
        standby=_value(difference, difference.standby, redactor),
        active_status=active.status,
        standby_status=standby.status,
        active_body=redactor.body(active.body),
        standby_body=redactor.body(standby.body),
    )


def _value(difference: Difference, value: Any, redactor: Redactor) -> str:
    text = orjson.dumps(redactor.at(difference.pattern, beginning(value)), option=orjson.OPT_NON_STR_KEYS).decode()
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}…"
