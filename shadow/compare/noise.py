"""Where a backend disagrees with itself, and the rule that an operator could add to allow it."""

from __future__ import annotations

import re
from collections.abc import Iterable

import yaml

from shadow.compare.normalise import same_instant
from shadow.compare.summary import Proposal
from shadow.compare.walk import Difference
from shadow.settings import RuleKind

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


def proposals(route: str, differences: Iterable[Difference]) -> tuple[Proposal, ...]:
    """One ready-made rule for each place where two answers of the same backend differ."""
    return tuple(_proposal(route, difference) for difference in differences)


def _proposal(route: str, difference: Difference) -> Proposal:
    precision = _shared_precision(difference)
    kind = RuleKind.SAME_INSTANT if precision else RuleKind.IGNORE
    rule: dict[str, object] = {
        "name": _name(route, difference.pattern),
        "kind": kind.value,
        "reason": "The active backend disagrees with itself here: two answers to the same request differed.",
        "routes": [route],
        "paths": [difference.pattern],
    }
    if precision:
        rule["precision"] = precision
    # Unescaped, YAML reads NEL and its like as the end of a line.
    readable = difference.pattern.isprintable() and route.isprintable()
    text = yaml.safe_dump([rule], sort_keys=False, allow_unicode=readable, width=1_000)
    return Proposal(route, difference.pattern, kind.value, text)


def _shared_precision(difference: Difference) -> str | None:
    """The finest precision at which both values are one instant, if they are instants at all."""
    fitting = (p for p in ("ms", "s") if same_instant(difference.active, difference.standby, p))
    return next(fitting, None)


def _name(route: str, pattern: str) -> str:
    words = _NOT_IN_NAMES.sub("-", f"noise {route} {pattern}".lower()).strip("-")
    return words[:100].rstrip("-")
