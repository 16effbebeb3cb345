"""The protocol keeps its promises whatever happens, and every flaw that we know how to make breaks one."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import JournalMachine
from tests.model.themes import MUTANTS, THEMES

ROUNDS = int(os.environ.get("MODEL_ROUNDS", "60"))
# Most flaws are found within a hundred; the rarest once in a thousand, and which ones are tried depends on what else
# the process has imported.
TRIES = 15_000


def run(theme: str, mutant: str | None, examples: int) -> None:
    machine = type("Journal", (JournalMachine,), {"mutant": mutant, "theme": THEMES[theme]})
    phases = (Phase.generate,) if mutant else (Phase.generate, Phase.shrink)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=40, deadline=None, database=None, derandomize=True,
            suppress_health_check=list(HealthCheck), phases=phases, report_multiple_bugs=False,
        ),
    )  # fmt: skip


@pytest.mark.property_test
@pytest.mark.parametrize("theme", THEMES)
def test_the_protocol_holds(theme: str) -> None:
    run(theme, None, ROUNDS)


@pytest.mark.property_test
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_protocol_is_caught(mutant: str) -> None:
    with pytest.raises(AssertionError):
        run(MUTANTS[mutant], mutant, TRIES)


def test_every_flaw_is_tried() -> None:
    source = "".join(file.read_text() for file in Path(__file__).parent.glob("*.py"))
    assert set(re.findall(r'broken\("(\w+)"\)', source)) == MUTANTS.keys()
