from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.config import parse
from shadow.compare.noise import proposals
from shadow.compare.paths import parse as parse_pattern
from shadow.compare.paths import pattern_text
from shadow.compare.rules import RuleBook
from shadow.compare.walk import Difference, Kind
from shadow.settings import Rule

ROUTE = "GET /api/v1/system/stats"


def proposed(active: object, standby: object, pattern: str = "$.data[*].at", route: str = ROUTE) -> Rule:
    (proposal,) = proposals(route, [Difference(pattern, pattern, Kind.VALUE, active, standby)])
    (rule,) = yaml.safe_load(proposal.rule)
    return Rule(**rule)


@pytest.mark.parametrize(
    ("one", "other", "kind", "precision"),
    [
        (12, 13, "ignore", "ms"),
        ("2024-08-05T01:00:00.001Z", "2024-08-05T01:00:00.002Z", "same_instant", "s"),
        ("2024-08-05T01:00:00.001001Z", "2024-08-05T01:00:00.001002Z", "same_instant", "ms"),
        ("2024-08-05T01:00:00.001Z", "2024-08-05T01:00:09.001Z", "ignore", "ms"),
    ],
)
def test_the_narrowest_rule_that_allows_it_is_proposed(one: object, other: object, kind: str, precision: str) -> None:
    rule = proposed(one, other)
    assert (rule.kind.value, rule.precision, rule.routes, rule.paths) == (kind, precision, (ROUTE,), ("$.data[*].at",))


@pytest.mark.property_test
@example(("\x85",), "0")
@given(st.lists(st.one_of(st.text(), st.integers(0, 9)), max_size=5).map(tuple), st.text(min_size=1, max_size=30))
def test_a_proposal_can_be_pasted_into_the_configuration(path: tuple[str | int, ...], route: str) -> None:
    rule = proposed(1, 2, pattern_text(path), f"GET /{route}")
    RuleBook([rule])
    assert parse_pattern(rule.paths[0]).matches(path)


def test_a_proposal_is_accepted_next_to_the_flagships_own_rules() -> None:
    document = yaml.safe_load(Path("config/rotc.yaml").read_text())
    (proposal,) = proposals(ROUTE, [Difference("$.uptime", "$.uptime", Kind.VALUE, 1, 2)])
    document["compare"]["rules"] += yaml.safe_load(proposal.rule)
    assert parse(yaml.safe_dump(document), {}).compare.rules[-1].name == "noise-get-api-v1-system-stats-uptime"
