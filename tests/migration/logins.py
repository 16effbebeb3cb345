"""Asks both backends' own libraries whether a password opens a stored hash."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence

from stack import node
from stack.paths import NODE_BACKEND

_SCRIPT = """
const { compareSync } = require('bcryptjs');
const pairs = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(pairs.map(([password, stored]) => compareSync(password, stored))));
"""


def node_accepts(pairs: Sequence[tuple[str, str]]) -> list[bool]:
    """For each password and stored text, whether Node would let its owner in."""
    node.install()
    done = subprocess.run([node.find_node().program, "-e", _SCRIPT], input=json.dumps(list(pairs)), cwd=NODE_BACKEND,
                          capture_output=True, text=True, timeout=60, check=True)  # fmt: skip
    answers: list[bool] = json.loads(done.stdout)
    return answers
