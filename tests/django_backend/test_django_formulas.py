"""The formulas of grades: the bands, the order of the operations, and every last bit as Node has it."""

from __future__ import annotations

import json
import math
import random
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.grading.formulas import (
    Standing,
    aptitude_score,
    attendance_score,
    balance_after,
    plain,
    scores,
    subject_score,
    transmuted,
)
from stack.node import find_node

LEGACY = Path(__file__).parents[2] / "node_backend" / "src" / "grades.js"
ASK_NODE = """
    const { grade } = require(process.argv[1]);
    let text = '';
    process.stdin.on('data', (part) => { text += part; });
    process.stdin.on('end', () => { console.log(JSON.stringify(JSON.parse(text).map(grade))); });
"""
SCORES = st.none() | st.decimals(-9999, 9999, places=2)
STATUSES = st.sampled_from([None, "active", "INC", "DO", "T", "inc", ""])
STANDINGS = st.builds(
    Standing,
    present=st.integers(0, 400),
    training_days=st.integers(0, 400),
    merits=st.integers(-(10**6), 10**6),
    demerits=st.integers(-(10**6), 10**6),
    prelim=SCORES,
    midterm=SCORES,
    final=SCORES,
    prelim_status=STATUSES,
    midterm_status=STATUSES,
    final_status=STATUSES,
)


def in_node(standings: list[Standing]) -> list[dict[str, Any]]:
    """What the legacy backend's own code makes of these, out of rows as its database driver hands them over."""
    rows = [
        {name: None if value is None else str(value) for name, value in vars(standing).items()}
        for standing in standings
    ]
    done = subprocess.run(
        [find_node().program, "-e", ASK_NODE, str(LEGACY)],
        input=json.dumps(rows), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def here(standing: Standing) -> dict[str, Any]:
    result = scores(standing)
    return {
        "attendanceScore": plain(result.attendance),
        "aptitudeScore": plain(result.aptitude),
        "subjectScore": plain(result.subject),
        "finalGrade": plain(result.final),
        "transmutedGrade": result.transmuted,
    }


def test_every_grade_is_nodes_to_the_last_bit() -> None:
    chance = random.Random(20240805)

    def score() -> Decimal | None:
        return None if chance.random() < 0.1 else Decimal(chance.randrange(0, 10_001)) / 100

    def standing() -> Standing:
        days = chance.randrange(0, 40)
        statuses = [chance.choice([None, "active", "active", "INC", "DO", "T"]) for _ in range(3)]
        points = (chance.randrange(-20, 150), chance.randrange(-20, 150))
        return Standing(chance.randrange(0, days + 1), days, *points, score(), score(), score(), *statuses)

    standings = [standing() for _ in range(5000)]
    expected = in_node(standings)
    # As text, because 20 and 20.0 are equal, and so are 0 and -0.
    assert [json.dumps(here(one)) for one in standings] == [json.dumps(one) for one in expected]


@pytest.mark.parametrize(
    ("final", "shown"),
    [
        (100, "1.00"), (98, "1.00"), (97.999, "1.25"), (95, "1.25"), (94.99, "1.50"), (92, "1.50"), (89, "1.75"),
        (86, "2.00"), (83, "2.25"), (80, "2.50"), (77, "2.75"), (75, "3.00"), (74.999, "5.00"),
        (0, "5.00"), (-1, "5.00"),
    ],
)  # fmt: skip
def test_nothing_is_rounded_before_the_bands(final: float, shown: str) -> None:
    assert transmuted(final, (None, "active", None)) == shown


@pytest.mark.parametrize(
    ("statuses", "shown"),
    [
        (("DO", "INC", "T"), "DO"),
        ((None, "INC", "T"), "INC"),
        (("active", "", "T"), "T"),
        (("inc", None, None), "1.00"),
    ],
)
def test_the_latest_term_that_is_not_over_is_shown_instead(statuses: tuple[str | None, ...], shown: str) -> None:
    assert transmuted(100, statuses) == shown


def test_the_parts_have_their_bounds() -> None:
    assert attendance_score(0, 0) == 0 and attendance_score(5, 0) == 0 and attendance_score(15, 15) == 30
    assert aptitude_score(0, 0) == aptitude_score(50, 0) == 30 and aptitude_score(0, 500) == 0
    assert aptitude_score(-10, 0) == 27 and aptitude_score(0, -10) == 30
    assert subject_score(None, None, None) == 0 and subject_score(Decimal(100), Decimal(100), Decimal(100)) == 40


def test_a_merit_adds_and_a_demerit_takes_also_below_zero() -> None:
    assert balance_after(100, "merit", 5) == 105 and balance_after(3, "demerit", 5) == -2
    assert balance_after(100, "demerit", -5) == 105


@pytest.mark.property_test
@given(STANDINGS)
def test_the_final_grade_is_the_sum_of_its_parts_and_shown_as_one_of_thirteen(standing: Standing) -> None:
    result = scores(standing)
    assert result.final == result.attendance + result.aptitude + result.subject
    assert 0 <= result.aptitude <= 30 and math.isfinite(result.final)
    assert result.transmuted in {"1.00", "1.25", "1.50", "1.75", "2.00", "2.25", "2.50", "2.75", "3.00", "5.00"} | {
        *("INC", "DO", "T"),
    }
    assert plain(result.final) == result.final
