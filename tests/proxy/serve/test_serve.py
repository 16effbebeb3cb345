"""`cutover serve` as its user runs it: one small file, two servers that are not ours, real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.embedded import free_port
from tests.proxy.serve.serving import Served, start, stranger
from tests.support.servers import reachable_directory
from tests.support.waiting import eventually, is_running


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with reachable_directory() as path:
        yield path


@pytest.fixture(scope="module")
def strangers() -> Iterator[tuple[int, int]]:
    with stranger("old") as old, stranger("new") as new:
        yield old, new


@pytest.fixture(scope="module")
def config(directory: Path, strangers: tuple[int, int]) -> Path:
    """The smallest configuration there is; the directory keeps the test's state together."""
    path = directory / "cutover.yaml"
    path.write_text(
        f"""backends:
  old: {{ url: "http://127.0.0.1:{strangers[0]}" }}
  new: {{ url: "http://127.0.0.1:{strangers[1]}" }}
active: old
store: {{ directory: "{directory / "state"}" }}
listen: {{ edges: 2 }}
"""
    )
    return path


@pytest.fixture
def served(config: Path) -> Iterator[Served]:
    one = start(config, free_port(), free_port())
    yield one
    if one.process.poll() is None:
        one.stop()


def test_the_smallest_configuration_divides_reads_and_its_weight_survives_a_restart(served: Served) -> None:
    assert set(served.sides()) == {"old"}
    refused = served.command("weight", "new=50")
    assert (refused.returncode, "start" in json.loads(refused.stdout)["message"]) == (1, True)
    served.cutover("start", "--empty")
    served.cutover("weight", "new=50")
    eventually(lambda: set(served.sides()) == {"old", "new"})
    before = served.sides()
    assert {served.get("/x", client, method="POST")["answered_by"] for client in range(1, 40)} == {"old"}
    assert served.stop() == 0
    again = start(served.config, served.port, int(served.environment["CUTOVER_CONTROL_PORT"]))
    try:
        eventually(lambda: again.sides() == before)
        eventually(lambda: again.cutover("diffs")["diffs"])
        assert again.cutover("diffs")["diffs"][0]["pattern"] == "$.answered_by"
        again.cutover("stop")
        eventually(lambda: set(again.sides()) == {"old"})
    finally:
        assert again.stop() == 0


def test_a_process_that_is_killed_is_started_again_while_the_others_answer(served: Served) -> None:
    for name in ("edge-0", "shadow-0", "control-0", "journal-0", "replayer-0", "edge-1"):
        killed = served.children()[name]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda name=name, killed=killed: served.children().get(name, killed) != killed, 20)
        eventually(lambda: _answers(served), 20)
    eventually(lambda: served.command("status").returncode == 0, 20)


def test_killing_the_supervisor_leaves_no_process_behind_and_a_new_one_takes_over(served: Served) -> None:
    children = list(served.children().values())
    assert len(children) == 6
    served.process.kill()
    served.process.wait(10)
    eventually(lambda: not any(is_running(pid) for pid in children), 20)
    again = start(served.config, served.port, int(served.environment["CUTOVER_CONTROL_PORT"]))
    assert again.get("/")["answered_by"] == "old"
    assert again.stop() == 0


def test_a_port_in_use_is_refused_with_what_to_do(config: Path, strangers: tuple[int, int]) -> None:
    environment = os.environ | {"PORT": str(strangers[0]), "CUTOVER_CONTROL_PORT": "0", "CUTOVER_CONFIG": str(config)}
    done = subprocess.run(
        [sys.executable, "-m", "proxy.cli.main", "serve"],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "another port" in done.stderr + done.stdout


def _answers(served: Served) -> bool:
    try:
        return bool(served.get("/")["answered_by"])
    except OSError:
        return False
