"""What the mirror found, as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from shadow.compare.reports import Group, GroupDetail, LedgerUnavailable, Reports, RouteTotals


async def summary(reports: Reports | None) -> dict[str, Any]:
    """The sums over all routes; says so where there are none to be had, and never fails."""
    if reports is None:
        return {"available": False, "reason": "this control has no ledger of mirrored requests"}
    try:
        totals = await reports.totals()
    except LedgerUnavailable as error:
        return {"available": False, "reason": str(error)}
    verdicts, rules = _sum(route.verdicts for route in totals), _sum(route.rules for route in totals)
    everything = RouteTotals("*", verdicts, _sum(route.not_compared for route in totals), rules)
    return {"available": True, **_totals(everything)}


async def listed(reports: Reports, route: str | None, limit: int, offset: int) -> dict[str, Any]:
    """Groups of mismatches, sums per route, and proposed rules. Raises LedgerUnavailable."""
    return {
        "diffs": [_group(group) for group in await reports.groups(route, limit, offset)],
        "routes": [_totals(totals) for totals in await reports.totals() if route in (None, totals.route)],
        "noise": [asdict(noise) for noise in await reports.noise() if route in (None, noise.route)],
    }


async def one(reports: Reports, identity: str) -> dict[str, Any] | None:
    """One group with its examples. Raises LedgerUnavailable."""
    detail: GroupDetail | None = await reports.group(identity)
    if detail is None:
        return None
    return {**_group(detail.group), "examples": [asdict(example) for example in detail.examples]}


def _group(group: Group) -> dict[str, Any]:
    return {**asdict(group), "status": group.status.value}


def _totals(totals: RouteTotals) -> dict[str, Any]:
    rate = totals.match_rate
    return {
        "route": totals.route,
        "compared": totals.compared,
        "match_rate": None if rate is None else round(rate, 6),
        "verdicts": dict(totals.verdicts),
        "not_compared": dict(totals.not_compared),
        "rules": dict(totals.rules),
    }


def _sum(counts: Iterable[Any]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)
