"""The list of quirks against the tests of this folder."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

QUIRKS = range(1, 13)
NAMED = re.compile(r"Quirk (\d+): \S")


def by_quirk() -> dict[int, list[str]]:
    """The tests whose docstring begins with a quirk's number."""
    found: dict[int, list[str]] = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for test in ast.parse(path.read_text()).body:
            if not isinstance(test, ast.AsyncFunctionDef | ast.FunctionDef) or not test.name.startswith("test_"):
                continue
            if match := NAMED.match(ast.get_docstring(test) or ""):
                found.setdefault(int(match[1]), []).append(test.name)
    return found


@pytest.mark.parametrize("quirk", QUIRKS)
def test_every_quirk_of_the_list_has_a_test(quirk: int) -> None:
    assert by_quirk().get(quirk)


def test_no_test_names_a_quirk_that_is_not_on_the_list() -> None:
    assert set(by_quirk()) == set(QUIRKS)
