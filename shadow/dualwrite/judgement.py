"""Whether the standby did the same: the two answers compared by the operator's rules, ids without any."""

from __future__ import annotations

from shadow.answer import Answer
from shadow.compare.diff import Limits
from shadow.compare.rules import RouteRules
from shadow.compare.verdict import Verdict, compare
from shadow.dualwrite.entry import State
from shadow.dualwrite.lanes import WriteRoute
from shadow.dualwrite.pinning import Unpinnable, ids_in
from shadow.dualwrite.places import parsed


def judged(
    active: Answer | None, standby: Answer, route: WriteRoute, rules: RouteRules, limits: Limits
) -> tuple[State, str]:
    """APPLIED or DIVERGED, and why. What could not be compared counts as applied, and says so."""
    if active is None:
        return State.APPLIED, "not compared: the active side's answer is not kept"
    differing = _ids_that_differ(active, standby, route)
    if differing:
        return State.DIVERGED, f"another {differing}"
    outcome = compare(active, standby, rules, limits)
    if outcome.verdict is Verdict.MISMATCHED:
        where = ", ".join(sorted({difference.pattern for difference in outcome.differences})[:5])
        return State.DIVERGED, f"the answers differ at {where}"
    if outcome.verdict is Verdict.NOT_COMPARED:
        return State.APPLIED, f"not compared: {outcome.reason}"
    return State.APPLIED, outcome.verdict.value


def _ids_that_differ(active: Answer, standby: Answer, route: WriteRoute) -> str:
    """Names of ids that are not the same in both answers, whatever the rules allow."""
    try:
        one, other = ids_in(route, parsed(active.body)), ids_in(route, parsed(standby.body))
    except Unpinnable as error:
        return f"answer: {error}"
    return ", ".join(f"id of {table}" for table in one if one[table] != other[table])
