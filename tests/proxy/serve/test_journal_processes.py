"""The journal's writer and replayer as processes of `cutover serve`: killed, and started again."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.embedded import free_port
from tests.proxy.serve.recording import Recorder, recorder
from tests.proxy.serve.serving import Served, start
from tests.support.servers import reachable_directory
from tests.support.waiting import eventually, is_running

WITHIN = 30.0


@dataclass
class Pair:
    """A deployment between two recorders."""

    served: Served
    old: Recorder
    new: Recorder
    writer: str
    """Which process the journal writer runs in."""

    def post(self, body: str) -> int:
        """The status of a write."""
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=30)
        try:
            connection.request("POST", "/things", body, {"Content-Type": "text/plain"})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def kill(self, name: str) -> None:
        """SIGKILL, and wait for the successor."""
        killed = self.served.children()[name]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: self.served.children().get(name, killed) != killed, WITHIN)

    def restart(self) -> None:
        """Start `cutover serve` once more."""
        self.served = start(self.served.config, self.served.port, int(self.served.environment["CUTOVER_CONTROL_PORT"]))

    def counted(self) -> dict[str, float]:
        """What Prometheus sees of the journal."""
        url = f"http://127.0.0.1:{self.served.environment['CUTOVER_CONTROL_PORT']}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            lines = [line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[:1] != "#"]
        return {name: float(value) for name, value in lines}

    def is_level(self) -> bool:
        """Whether both sides did the same in the same order."""
        return self.old.wrote == self.new.wrote


@pytest.fixture(scope="module", params=["journal-0", "edge-0"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with reachable_directory() as directory, recorder("old") as old, recorder("new") as new:
        config = directory / "cutover.yaml"
        config.write_text(f"""backends:
  old: {{ url: "http://127.0.0.1:{old.port}", cooperates: true }}
  new: {{ url: "http://127.0.0.1:{new.port}", cooperates: true }}
active: old
store: {{ directory: "{directory / "state"}" }}
listen: {{ edges: {2 if request.param == "journal-0" else 1} }}
""")
        served = start(config, free_port(), free_port())
        served.cutover("start", "--empty")
        eventually(lambda: served.cutover("status")["state"]["phase"] == "shadowing", WITHIN)
        assert ("journal-0" in served.children()) == (request.param == "journal-0")
        pair = Pair(served, old, new, request.param)
        eventually(lambda: all(edge["agrees"] for edge in served.cutover("status")["edges"]), WITHIN)
        try:
            yield pair
        finally:
            assert pair.served.stop() == 0


def test_a_write_reaches_the_standby_with_its_id(pair: Pair) -> None:
    assert pair.post("first") == 201
    eventually(lambda: pair.new.wrote == ["first"], WITHIN)
    assert pair.new.effects == pair.old.effects
    assert ("replay", "first") in pair.new.asked
    eventually(lambda: pair.counted().get('cutover_replayed_total{route="other",verdict="applied"}') == 1, WITHIN)
    assert pair.counted()['cutover_journal_appends_total{answer="admitted"}'] == 1


def test_a_write_that_happened_when_its_edge_was_killed_is_brought_over(pair: Pair) -> None:
    pair.old.holds = threading.Event()
    _edges_are_killed_under(pair, "orphan")
    pair.old.holds.set()
    pair.old.holds = None
    eventually(lambda: "orphan" in pair.new.wrote and not {"intent", "unknown"} & _states(pair).keys(), WITHIN)
    eventually(lambda: _reads_are_answered(pair), WITHIN)
    assert pair.post("after it") == 201
    eventually(pair.is_level, WITHIN)


def test_a_write_that_is_asked_for_before_it_happens_happens_nowhere(pair: Pair) -> None:
    pair.old.stalls = threading.Event()
    _edges_are_killed_under(pair, "too late")
    eventually(lambda: not {"intent", "unknown"} & _states(pair).keys(), WITHIN)
    pair.old.stalls.set()
    pair.old.stalls = None
    eventually(lambda: ("", "too late") in pair.old.asked, WITHIN)
    assert "too late" not in pair.old.wrote
    eventually(lambda: _reads_are_answered(pair), WITHIN)
    assert pair.post("after the late one") == 201
    eventually(pair.is_level, WITHIN)


def _edges_are_killed_under(pair: Pair, body: str) -> None:
    client = threading.Thread(target=_cut_off, args=(pair, body))
    client.start()
    eventually(lambda: _states(pair).get("intent"), WITHIN)
    for name in [name for name in pair.served.children() if name.startswith("edge")]:
        pair.kill(name)
    client.join(WITHIN)


def _reads_are_answered(pair: Pair) -> bool:
    try:
        return bool(pair.served.sides())
    except OSError:
        return False


def _cut_off(pair: Pair, body: str) -> None:
    with pytest.raises((OSError, http.client.HTTPException)):
        pair.post(body)


def _states(pair: Pair) -> dict[str, int]:
    states: dict[str, int] = pair.served.cutover("journal", "status")["states"]
    return states


def test_killing_writer_and_replayer_under_load_loses_doubles_and_reorders_nothing(pair: Pair) -> None:
    acknowledged: list[str] = []
    stop = threading.Event()

    def write(worker: int) -> None:
        for turn in range(1_000_000):
            if stop.is_set():
                return
            body = f"{worker} {turn}"
            with suppress(OSError, http.client.HTTPException):
                if pair.post(body) == 201:
                    acknowledged.append(body)

    def go_on() -> None:
        before = len(acknowledged)
        eventually(lambda: len(acknowledged) > before + 10, WITHIN)

    workers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for worker in workers:
        worker.start()
    try:
        for name in ("replayer-0", pair.writer, "replayer-0"):
            go_on()
            pair.kill(name)
        go_on()
    finally:
        stop.set()
        for worker in workers:
            worker.join(60)
    assert set(acknowledged) <= set(pair.old.wrote)
    eventually(pair.is_level, WITHIN)


def test_killing_everything_brings_all_writes_over_after_the_restart(pair: Pair) -> None:
    pair.new.away = True
    for turn in range(20):
        assert pair.post(f"while away {turn}") == 201
    children = list(pair.served.children().values())
    pair.served.process.kill()
    pair.served.process.wait(10)
    eventually(lambda: not any(is_running(pid) for pid in children), WITHIN)
    pair.new.away = False
    pair.restart()
    eventually(pair.is_level, WITHIN)
    assert len(pair.new.wrote) >= 20


def test_what_is_under_way_when_it_stops_is_answered_durable_and_brought_over(pair: Pair) -> None:
    pair.old.holds = threading.Event()
    statuses: list[int] = []
    client = threading.Thread(target=lambda: statuses.append(pair.post("at the end")))
    client.start()
    eventually(lambda: _states(pair).get("intent"), WITHIN)
    children = pair.served.children()
    edges = [pid for name, pid in children.items() if name.startswith("edge")]
    pair.served.process.terminate()
    eventually(lambda: sum(map(is_running, edges)) == 1, WITHIN)  # the one that has nothing under way is gone
    assert is_running(children[pair.writer])
    pair.old.holds.set()
    client.join(WITHIN)
    assert pair.served.process.wait(30) == 0
    assert statuses == [201]
    pair.old.holds = None
    pair.restart()
    eventually(pair.is_level, WITHIN)
    assert "at the end" in pair.new.wrote


def test_without_its_keys_it_does_not_start_and_says_which_are_missing(pair: Pair) -> None:
    pair.new.away = True
    assert pair.post("sealed") == 201
    assert pair.served.stop() == 0
    pair.new.away = False
    kept = pair.served.config.parent / "state" / "journal-key"
    key = kept.read_text()
    kept.unlink()
    argv = [sys.executable, "-m", "proxy.cli.main", "serve"]
    refused = subprocess.run(argv, env=pair.served.environment, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 1
    assert "keys that are not given: kept-" in refused.stderr and "CUTOVER_JOURNAL_KEYS" in refused.stderr
    kept.write_text(key)
    pair.restart()
    eventually(pair.is_level, WITHIN)


def test_a_replayer_has_nothing_to_do_without_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "cutover.yaml"
    path.write_text(
        "backends: {a: {url: 'http://127.0.0.1:1'}, b: {url: 'http://127.0.0.1:2'}}\nactive: a\ndata: shared\n"
    )
    argv = [sys.executable, "-m", "proxy.cli.main", "serve", "--only", "replayer", "-c", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "nothing to replay" in done.stderr) == (1, True)
