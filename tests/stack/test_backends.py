"""Both backends for real: prepared, seeded, started, killed, started again, and loaded."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from stack.backends import DJANGO, NODE, Backends
from stack.cast import mint
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


@pytest.mark.timeout(180)
def test_up_runs_until_down_and_clean_leaves_nothing(tmp_path: Path) -> None:
    environment = {"CUTOVER_VAR": str(tmp_path / "var"), "PATH": "/usr/local/bin:/usr/bin:/bin", "NO_COLOR": "1"}

    def stack(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "stack", *words]
        return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)

    with open(tmp_path / "up.log", "w") as log:
        up = subprocess.Popen(
            [sys.executable, "-m", "stack", "up", "--no-edge"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    eventually(lambda: "login" in (tmp_path / "up.log").read_text() or up.poll() is not None, within=60)
    told = (tmp_path / "up.log").read_text()
    assert "admin / Parade-Ground-1" in told
    assert "is up already" in stack("up").stderr
    assert "the stack is up" in stack("clean").stderr
    assert stack("down").returncode == 0
    assert up.wait(10) == 0
    assert stack("clean").returncode == 0
    assert not (tmp_path / "var").exists()
