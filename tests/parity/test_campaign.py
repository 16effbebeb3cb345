"""The long form goes on where it was stopped, and says what it found and which rules nobody needed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from proxy.config import read
from tests.parity.campaign import Progress, unused
from tests.parity.stage import CONFIG


def test_a_proof_that_was_stopped_goes_on_with_its_seed_and_its_sums(tmp_path: Path) -> None:
    first = Progress(tmp_path / "report.json", 7)
    first.add("verdicts", Counter(matched=2))
    first.state["rounds"] = 3
    first.save()
    again = Progress(tmp_path / "report.json", None)
    again.add("verdicts", Counter(matched=1, ignored=1))
    assert (again.state["seed"], again.state["rounds"]) == (7, 3)
    assert again.state["verdicts"] == {"matched": 3, "ignored": 1}


def test_another_seed_or_a_finished_proof_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    done = Progress(file, 7)
    done.state["rounds"] = 3
    done.save()
    assert Progress(file, 8).state["rounds"] == 0
    done.state["finished"] = True
    done.save()
    assert Progress(file, None).state["rounds"] == 0
    assert json.loads(file.read_text())["rounds"] == 3


def test_a_rule_that_nothing_needed_is_named(tmp_path: Path) -> None:
    names = [rule.name for rule in read(CONFIG, {}).compare.rules]
    progress = Progress(tmp_path / "report.json", 1)
    progress.add("rules", Counter(names[1:]))
    assert unused(progress) == names[:1]
