"""docs/rows.md: every command in it can be typed as it stands, in that order."""

from __future__ import annotations

import shlex
from pathlib import Path

import structlog

from tests.migration.people import Typed, cadet, run, user

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rows.md"


def commands() -> list[list[str]]:
    """The words of each command in the page's shell blocks."""
    blocks = PAGE.read_text(encoding="utf-8").split("```sh\n")[1:]
    return [shlex.split(line) for block in blocks for line in block.partition("```")[0].splitlines()]


def test_every_command_of_the_page_does_what_it_says(typed: Typed, node: str) -> None:
    run(node, cadet(3), cadet(57), cadet(58), user(1, cadet_id=57),
        "INSERT INTO activities (id, title) VALUES (1, 'Tree planting')",
        "INSERT INTO activity_cadets VALUES (1, 3)")  # fmt: skip
    done = [(" ".join(words), typed(*words[1:])) for words in commands()]
    structlog.reset_defaults()
    assert len(done) >= 14
    assert {said: result.output for said, result in done if result.exit_code != 0} == {}
