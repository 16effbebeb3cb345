"""The judgement over two answers to one request: matched, ignored by named rules, or mismatched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from shadow.answer import Answer
from shadow.compare.decoding import NotComparable, decoded
from shadow.compare.diff import Found, Limits, compare_json, parsed
from shadow.compare.rules import RouteRules
from shadow.compare.walk import ABSENT, Difference, Forgiven, Kind
from shadow.settings import Rule, RuleKind

ENVELOPE = frozenset({"error", "message", "code", "details"})
_BARE = frozenset({"message"})
_EXCERPT = 2_000


class Verdict(StrEnum):
    """What became of a mirrored exchange."""

    MATCHED = "matched"
    IGNORED = "ignored"  # all differences are allowed by named rules
    MISMATCHED = "mismatched"
    MOVING = "moving"  # differed once and not again: the data changed in between
    NOISE = "noise"  # differs where the active backend disagrees with itself
    NOT_COMPARED = "not_compared"
    FAILED = "failed"  # a backend gave no answer to the copy


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict with its grounds."""

    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    forgiven: frozenset[Forgiven] = frozenset()
    reason: str = ""

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules that allowed something."""
        return tuple(sorted({entry.rule for entry in self.forgiven}))


def compare(active: Answer, standby: Answer, rules: RouteRules, limits: Limits) -> Outcome:
    """Judge two answers by status, media type, Location and body. The same two answers always get the same verdict."""
    found = _heads(active, standby, rules)
    try:
        found.append(_bodies(active, standby, rules, limits))
    except NotComparable as error:
        if not any(part.differences for part in found):
            return Outcome(Verdict.NOT_COMPARED, reason=error.reason)
    differences = tuple(difference for part in found for difference in part.differences)
    forgiven = frozenset(entry for part in found for entry in part.forgiven)
    if differences:
        return Outcome(Verdict.MISMATCHED, differences, forgiven)
    return Outcome(Verdict.IGNORED if forgiven else Verdict.MATCHED, (), forgiven)


def media_type(answer: Answer) -> str:
    """The Content-Type without its parameters, in lower case."""
    return (answer.header(b"content-type") or b"").partition(b";")[0].strip().lower().decode("latin-1")


def is_json(answer: Answer) -> bool:
    """Whether the answer says that its body is JSON."""
    written = media_type(answer)
    return written == "application/json" or written.endswith("+json")


def excerpt(body: bytes) -> str:
    """The beginning of a body as text."""
    text = body[:_EXCERPT].decode("utf-8", "replace")
    return text if len(body) <= _EXCERPT else f"{text}… ({len(body)} bytes)"


def _heads(active: Answer, standby: Answer, rules: RouteRules) -> list[Found]:
    parts: list[tuple[str, Kind, Any, Any]] = [
        ("status", Kind.STATUS, active.status, standby.status),
        ("header.content-type", Kind.MEDIA_TYPE, media_type(active), media_type(standby)),
        ("header.location", Kind.LOCATION, _location(active), _location(standby)),
    ]
    return [_part(part, kind, one, other, rules) for part, kind, one, other in parts if one != other]


def _part(part: str, kind: Kind, one: Any, other: Any, rules: RouteRules) -> Found:
    rule = rules.ignores_part(part) or (_status_rule(one, other, rules) if kind is Kind.STATUS else None)
    if rule is not None:
        return Found(forgiven=frozenset({Forgiven(rule.name, part, kind)}))
    return Found((Difference(part, part, kind, one, other),))


def _status_rule(active: int, standby: int, rules: RouteRules) -> Rule | None:
    return next((rule for rule in rules.of_kind(RuleKind.STATUS) if (active, standby) in rule.statuses), None)


def _location(answer: Answer) -> Any:
    written = answer.header(b"location")
    return ABSENT if written is None else written.decode("latin-1")


def _bodies(active: Answer, standby: Answer, rules: RouteRules, limits: Limits) -> Found:
    same_coding = active.header(b"content-encoding") == standby.header(b"content-encoding")
    if active.body == standby.body and same_coding:
        return Found()
    one, other = decoded(active, limits.decoded), decoded(standby, limits.decoded)
    if one == other:
        return Found()
    if is_json(active) or is_json(standby):
        try:
            values = parsed(one), parsed(other)
        except ValueError:
            return _bytes(one, other, rules)  # at least one is not JSON, so they are compared as what they are
        return _values(active, standby, values, rules, limits)
    return _bytes(one, other, rules)


def _bytes(one: bytes, other: bytes, rules: RouteRules) -> Found:
    return _part("body", Kind.BODY, excerpt(one), excerpt(other), rules)


def _values(active: Answer, standby: Answer, values: tuple[Any, Any], rules: RouteRules, limits: Limits) -> Found:
    one, other = values
    rule = next(iter(rules.of_kind(RuleKind.ERROR_ENVELOPE)), None)
    if rule is None or min(active.status, standby.status) < 400 or not _one_is_enveloped(one, other):
        return compare_json(one, other, rules.body, limits)
    found = compare_json({"message": one["message"]}, {"message": other["message"]}, rules.body, limits)
    kind = Kind.ADDED if len(other) > len(one) else Kind.MISSING
    envelope = {Forgiven(rule.name, f"$.{name}", kind) for name in ENVELOPE - _BARE}
    return replace(found, forgiven=found.forgiven | envelope)


def _one_is_enveloped(one: Any, other: Any) -> bool:
    """Whether one body is a bare `{message}` and the other the envelope around one."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return False
    return {frozenset(one), frozenset(other)} == {ENVELOPE, _BARE}
