"""The frontend's and the dashboard's own tests, by vitest."""

from __future__ import annotations

import subprocess

import pytest

from stack import node
from stack.paths import ROOT


@pytest.mark.timeout(300)
def test_the_frontend_and_the_dashboard_pass_their_own_tests() -> None:
    found = node.find_node()
    done = subprocess.run(
        [*found.npm, "run", "test:web"],
        cwd=ROOT,
        env=found.environment() | {"CI": "true", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert done.stdout.count("Test Files") == 2
