"""Traffic in files, and spikes: what was sent is sent again, and more of it when it was asked for."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise, takewhile
from pathlib import Path
from random import Random
from typing import Any

import jwt
import pytest
from aiohttp import web

from proxy.embedded import free_port
from stack.generator import WHOLE, LoadGenerator
from stack.operations import OPERATIONS
from stack.pace import Spike, arrivals
from stack.paths import ROOT
from stack.recording import RecordingError, from_line, read, to_line
from stack.request import Content, Request
from tests.stack.conftest import RealNode
from tests.stack.settings import SECRET

Seen = tuple[str, str, str, bytes, int | None]


class Listener:
    """A server that remembers what it was sent."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.url = f"http://127.0.0.1:{free_port()}"

    async def hear(self, request: web.Request) -> web.Response:
        """Remember one request: its line, its body and who asked."""
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        user = jwt.decode(bearer, SECRET, algorithms=["HS256"])["id"] if bearer.count(".") == 2 else None
        self.seen.append((request.method, request.raw_path, request.content_type, await request.read(), user))
        return web.json_response({})


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """One that listens."""
    found = Listener()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{tail:.*}", found.hear)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(found.url.rpartition(":")[2])).start()
    yield found
    await runner.cleanup()


async def sent(load: LoadGenerator, seconds: float | None = None) -> None:
    """Let it send for a while, or to its end."""
    await load.start()
    await (load.finished() if seconds is None else asyncio.sleep(seconds))
    await load.stop()


async def test_a_replay_sends_what_was_recorded(listener: Listener, tmp_path: Path) -> None:
    file = tmp_path / "traffic.jsonl"
    await sent(LoadGenerator(listener.url, rate=80, jwt_secret=SECRET, record=file), 1.5)
    first, listener.seen = listener.seen, []
    replay = LoadGenerator(listener.url, rate=1, jwt_secret=SECRET, replay=file)
    await sent(replay)
    assert len(first) > 60
    assert Counter(listener.seen) == Counter(first)
    assert replay.snapshot()["seconds"] == pytest.approx(1.5, abs=0.6)


async def test_a_recording_of_the_whole_api_is_replayed_byte_by_byte_and_covers_the_same_operations(
    real_node: RealNode, listener: Listener, tmp_path: Path
) -> None:
    file = tmp_path / "traffic.jsonl"
    load = LoadGenerator(real_node.url, rate=80, jwt_secret=SECRET, profile=WHOLE, think=0.02, record=file, seed=21)
    await sent(load, 2.5)
    assert load.snapshot()["unexpected"] == 0, list(load.tally.surprises)
    replay = LoadGenerator(listener.url, rate=1, jwt_secret=SECRET, replay=file)
    await sent(replay)
    lines = [from_line(json.loads(line), SECRET) for line in file.read_text().splitlines()]
    wanted = Counter((one.method, (one.payload() or Content("", b"")).data) for one in lines)
    assert Counter((method, body) for method, _, _, body, _ in listener.seen) == wanted
    assert any(b"form-data" in body for _, _, _, body, _ in listener.seen)
    used = {name for name, roles in load.coverage.snapshot().items() if roles and not name.startswith("WS")}
    assert {name for name, roles in replay.coverage.snapshot().items() if roles} == used


async def test_a_recording_holds_no_token_and_says_who_asked(listener: Listener, tmp_path: Path) -> None:
    file = tmp_path / "traffic.jsonl"
    await sent(LoadGenerator(listener.url, rate=80, jwt_secret=SECRET, record=file), 1)
    assert "eyJ" not in file.read_text()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert {"at", "method", "path", "query", "headers"} <= set.intersection(*(set(line) for line in lines))
    assert sum("user" in line for line in lines) > len(lines) / 2
    assert all(before["at"] <= after["at"] for before, after in pairwise(lines))


@pytest.mark.parametrize("request_", [
    Request("POST", "files/upload", content=Content("multipart/form-data; boundary=b", b"\xff\0\r\n")),
    Request("PATCH", "cadets/7", body={"address": "Peñaflor 🏠"}),
    Request("GET", "cadets", params={"search": "%&=ñ"}, expected=frozenset({400, 500})),
    Request("GET", "/uploads/a%2Fb.txt"),
])  # fmt: skip
def test_what_is_written_is_read_again(request_: Request) -> None:
    again = from_line(json.loads(json.dumps(to_line(request_))), SECRET)
    assert (again.method, again.path, again.params) == (request_.method, request_.path, request_.params)
    assert (again.payload(), again.expected) == (request_.payload(), request_.expected)


def test_somebody_elses_log_needs_no_more_than_a_time_a_method_and_a_path(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text('{"at": 1.5, "method": "GET", "path": "/api/v1/cadets/7", "user": 14}\n')
    [(at, request)] = read(file, SECRET)
    assert (at, request.operation, request.path) == (1.5, "GET cadets/{id}", "cadets/7")
    assert request.fits(404, b"") and not request.fits(500, b"")
    assert request.client is not None and request.client.role == "cadet"


@pytest.mark.parametrize("line", ["{", "[]", '{"at": "soon", "method": "GET", "path": "/"}', '{"at": 1, "path": "/"}'])
def test_a_line_that_makes_no_sense_is_named(line: str, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text('{"at": 0, "method": "GET", "path": "/health"}\n' + line + "\n")
    with pytest.raises(RecordingError, match=r"log\.jsonl, line 2: "):
        list(read(file, SECRET))


def between(start: float, end: float, moments: list[float]) -> int:
    """How many arrive in a stretch of time."""
    return sum(start <= moment < end for moment in moments)


def test_a_spike_multiplies_the_rate_for_as_long_as_it_lasts() -> None:
    spikes = (Spike.parse("5x@20s+5s"), Spike.parse("0.5x@40s+10s"))
    moments = list(takewhile(lambda moment: moment < 60, arrivals(Random(1), 100, spikes)))
    assert between(0, 20, moments) == pytest.approx(2000, rel=0.08)
    assert between(20, 25, moments) == pytest.approx(2500, rel=0.08)
    assert between(25, 40, moments) == pytest.approx(1500, rel=0.1)
    assert between(40, 50, moments) == pytest.approx(500, rel=0.15)


def test_spikes_that_overlap_multiply_each_other_and_the_same_seed_arrives_alike() -> None:
    spikes = (Spike(2, 0, 10), Spike(3, 5, 10))
    moments = list(takewhile(lambda moment: moment < 20, arrivals(Random(1), 50, spikes)))
    assert between(5, 10, moments) == pytest.approx(6 * 50 * 5, rel=0.1)
    assert moments == list(takewhile(lambda moment: moment < 20, arrivals(Random(1), 50, spikes)))


def test_a_rate_of_nothing_inside_a_spike_waits_for_its_end() -> None:
    moments = list(takewhile(lambda moment: moment < 30, arrivals(Random(1), 10, [Spike(0, 5, 10)])))
    assert between(5, 15, moments) == 0
    assert between(15, 30, moments) > 100


@pytest.mark.parametrize("text", ["5@20s+5s", "5x@20+5", "x@1s+1s", "5x@-1s+5s", ""])
def test_what_is_no_spike_is_explained(text: str) -> None:
    with pytest.raises(ValueError, match="write 5x@20s"):
        Spike.parse(text)


async def test_a_spike_reaches_the_server(listener: Listener) -> None:
    load = LoadGenerator(listener.url, rate=20, jwt_secret=SECRET, spikes=[Spike(10, 1, 1)])
    await load.start()
    await asyncio.sleep(1)
    before = len(listener.seen)
    await asyncio.sleep(1)
    await load.stop()
    assert len(listener.seen) - before > 4 * before


def command(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the load at the command line."""
    return subprocess.run(
        [sys.executable, "-m", "stack.load", "--url", url, *words], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "JWT_SECRET": SECRET, "COLUMNS": "200"}, timeout=60, check=False,
    )  # fmt: skip


def test_the_command_prints_every_operation_by_role(real_node: RealNode, tmp_path: Path) -> None:
    file = tmp_path / "traffic.jsonl"
    words = ("--profile", "whole", "--rate", "40", "--think", "0.02", "--seconds", "2", "--seed", "31")
    done = command(real_node.url, *words, "--spike", "2x@1s+1s", "--record", str(file), "--json")
    counted: dict[str, Any] = json.loads(done.stdout)
    assert counted["unexpected"] == 0
    assert set(counted["coverage"]) >= set(OPERATIONS)
    again = command(real_node.url, "--replay", str(file))
    assert again.returncode == 0, again.stderr
    for name in OPERATIONS:
        assert f" {name} " in again.stdout


def test_the_command_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text("{}\n")
    broken = command("http://127.0.0.1:1", "--replay", str(file))
    assert (broken.returncode, "line 1: KeyError" in broken.stderr) == (1, True)
    wrong = command("http://127.0.0.1:1", "--spike", "much")
    assert (wrong.returncode, "5x@20s+5s" in wrong.stderr) == (2, True)
