"""Both backends for real: prepared, seeded, started, killed, started again, and loaded."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from proxy.config import read
from stack.backends import DJANGO, NODE, Backends
from stack.cast import mint
from stack.edge import EdgeSettings
from stack.faults import wish
from stack.load import LoadGenerator
from stack.paths import ROOT
from stack.probes import http_answers
from stack.processes import Supervisor
from tests.stack.settings import SECRET, settings_for
from tests.support.waiting import eventually, group_of, is_running


def stored(url: str) -> dict[str, str]:
    """What the targets of the load hold, by the names that the load gives them."""
    with psycopg.connect(url) as connection:
        cadets = connection.execute("SELECT 'cadets/' || id, address FROM cadets").fetchall()
        colours = connection.execute("SELECT 'user_settings/' || user_id, primary_color FROM user_settings").fetchall()
    return dict(cadets + colours)


@pytest.mark.timeout(180)
def test_both_backends_live_through_load_faults_and_a_kill(
    fresh_database: Callable[[], str], redis_url: str, tmp_path: Path
) -> None:
    settings = settings_for(fresh_database(), fresh_database(), redis_url, tmp_path / "faults.json")
    with Supervisor(tmp_path / "logs") as supervisor:
        backends = Backends(supervisor, settings)
        backends.prepare()
        assert backends.seed()["cadets"] == 290
        assert backends.seed() == {}
        backends.start_all()
        for url, database in (
            (settings.node_url, settings.node_database),
            (settings.django_url, settings.django_database),
        ):
            load = asyncio.run(loaded(url))
            assert load.snapshot()["unexpected"] == 0, list(load.tally.surprises)
            assert load.acknowledged.count > 0
            assert load.acknowledged.lost(stored(database)) == []
        assert planted_difference_shows(settings.django_url, settings.faults_file)
        node, django = supervisor.processes[NODE], supervisor.processes[DJANGO]
        backends.kill(DJANGO)
        eventually(lambda: not group_of(django.pid))
        assert node.alive
        backends.start(DJANGO)
        assert http_answers(f"{settings.django_url}/api/health")()
    assert not is_running(node.pid)


@pytest.mark.parametrize(("port", "expected"), [(18001, "http://127.0.0.1:18001"), (0, "http://127.0.0.1:8001")])
def test_the_edge_finds_djangos_web_sockets_where_the_stack_serves_them(port: int, expected: str) -> None:
    settings = replace(settings_for("", ""), django_ws_port=port)
    path = ROOT / "config" / "rotc.yaml"
    edge = EdgeSettings(path, 0, 0, "postgresql://a", "redis://b", "token")
    backends = read(path, edge.environment(settings)).backends
    assert str(backends["django"].ws) == expected
    assert backends["node"].ws is None


async def loaded(url: str) -> LoadGenerator:
    """A generator that has run for two seconds."""
    load = LoadGenerator(url, rate=40, jwt_secret=SECRET)
    await load.start()
    await asyncio.sleep(2)
    await load.stop()
    return load


def planted_difference_shows(url: str, faults: Path) -> bool:
    """Whether a real answer of Django lacks the field that was planted to be lost, and has it again afterwards."""

    def fields() -> set[str]:
        headers = {"Authorization": f"Bearer {mint(SECRET, 1)}"}
        request = urllib.request.Request(f"{url}/api/v1/cadets/5", headers=headers)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return set(json.load(answer))

    before = fields()
    wish(faults, plant=["lost-field"])
    eventually(lambda: fields() == before - {"religion"})
    wish(faults)
    eventually(lambda: fields() == before)
    return True


class Stack:
    """``python -m stack`` with a scratch directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.var, self.log = directory / "var", directory / "up.log"
        self.environment = {"CUTOVER_VAR": str(self.var), "PATH": os.environ["PATH"], "NO_COLOR": "1"}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command that ends by itself."""
        return subprocess.run(
            [sys.executable, "-m", "stack", *words], cwd=ROOT, env=self.environment, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip

    def up(self) -> subprocess.Popen[bytes]:
        """Bring it up, and wait for its last line."""
        with self.log.open("w") as log:
            argv = [sys.executable, "-m", "stack", "up", "--no-edge"]
            process = subprocess.Popen(argv, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        eventually(lambda: "cadet: cadet" in self.log.read_text() or process.poll() is not None, within=60)
        return process

    def pids(self) -> list[int]:
        """The processes that it said it started."""
        return [int(pid) for pid in re.findall(r"\(pid (\d+)\)", self.log.read_text())]


@pytest.mark.timeout(180)
def test_up_runs_until_down_and_clean_leaves_nothing(open_directory: Path) -> None:
    stack = Stack(open_directory)
    up = stack.up()
    assert "admin / Parade-Ground-1" in stack.log.read_text()
    assert "is up already" in stack.run("up").stderr
    assert "the stack is up" in stack.run("clean").stderr
    assert stack.run("down").returncode == 0
    assert up.wait(10) == 0
    assert stack.run("clean").returncode == 0
    assert not stack.var.exists()


@pytest.mark.timeout(180)
def test_a_stack_that_was_killed_leaves_nothing_running_and_comes_up_again_with_its_data(open_directory: Path) -> None:
    stack = Stack(open_directory)
    first = stack.up()
    pids = stack.pids()
    assert len(pids) == 7
    first.kill()
    first.wait()
    eventually(lambda: not any(map(is_running, pids)) and not any(map(group_of, pids)), within=20)
    again = stack.up()
    assert "rows in" not in stack.log.read_text()
    assert stack.run("down").returncode == 0
    assert again.wait(10) == 0
    assert stack.run("clean").returncode == 0
