"""Regressions as people make them, one at a time: the shadow finds each where it is, and nothing where none is."""

from __future__ import annotations

import pytest

from stack.cast import Cast
from tests.parity.planting import probed, tried
from tests.parity.plants.answers import ANSWERS
from tests.parity.plants.catalogue import PLANTS
from tests.parity.plants.lists import LISTS
from tests.parity.plants.values import VALUES
from tests.parity.stage import Stage
from tests.parity.through import findings, told


def test_there_are_many_of_them_and_each_has_a_name_of_its_own() -> None:
    assert len(PLANTS) == len(VALUES) + len(LISTS) + len(ANSWERS) >= 50


@pytest.mark.timeout(180)
def test_the_shadow_finds_planted_regressions_each_on_its_route_and_nowhere_else(shadowed: Stage, cast: Cast) -> None:
    # Every second one; `make parity` tries them all.
    unfound = [found for plant in list(PLANTS.values())[::2] if not (found := tried(shadowed, cast, plant)).is_found]
    assert unfound == []


def test_the_shadow_finds_nothing_once_all_are_switched_off(shadowed: Stage, cast: Cast) -> None:
    before = findings(shadowed)
    after = probed(shadowed, cast, [probe for plant in PLANTS.values() for probe in plant.probes])
    assert after.since(before) == [], told(shadowed, after.since(before))
    assert after.verdicts.total() - before.verdicts.total() == sum(len(plant.probes) for plant in PLANTS.values())
