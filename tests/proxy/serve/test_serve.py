"""`cutover serve` as its user runs it: one small file, two servers that are not ours, real processes."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.embedded import free_port
from tests.support.servers import reachable_directory
from tests.support.waiting import eventually, is_running

TOKEN = "of-the-operator"
STARTED_WITHIN = 60.0


class _Stranger(http.server.BaseHTTPRequestHandler):
    """A server that knows nothing of cutover: the standard library's, which says who it is."""

    protocol_version = "HTTP/1.1"
    name = ""

    def do_GET(self) -> None:
        body = json.dumps({"answered_by": self.name, "path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is for failures."""


@contextmanager
def stranger(called: str) -> Iterator[int]:
    """Its port, while it runs."""
    kind = type("Named", (_Stranger,), {"name": called})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Served:
    """A deployment that runs."""

    config: Path
    port: int
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    def cutover(self, *words: str) -> Any:
        """What a command answers; its exit status must be 0."""
        done = self.command(*words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ours with --json."""
        argv = [sys.executable, "-m", "proxy.cli.main", *words, "--json"]
        return subprocess.run(argv, env=self.environment, capture_output=True, text=True, timeout=30, check=False)

    def get(self, path: str, client: int | None = None, method: str = "GET") -> Any:
        """The JSON of an answer through the edge, on a new connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(method, path, headers={"Authorization": f"Bearer client-{client}"} if client else {})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            return json.loads(answer.read())
        finally:
            connection.close()

    def sides(self, clients: int = 60) -> list[str]:
        """Who answers each client."""
        return [self.get("/", client)["answered_by"] for client in range(1, clients + 1)]

    def children(self) -> dict[str, int]:
        """The processes by role and number."""
        found = {}
        below = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in below:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"proxy.app" in words:
                at = words.index(b"proxy.app")
                found[f"{words[at + 1].decode()}-{words[at + 2].decode()}"] = int(pid)
        return found

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.terminate()
        return self.process.wait(30)


def start(config: Path, port: int, control: int) -> Served:
    """Run `cutover serve` and wait until the control API and an edge answer."""
    environment = os.environ | {
        "PORT": str(port), "CUTOVER_CONTROL_PORT": str(control), "CUTOVER_TOKEN": TOKEN, "CUTOVER_CONFIG": str(config),
    }  # fmt: skip
    with (config.parent / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "proxy.cli.main", "serve"], env=environment, stdout=log, stderr=log
        )
    served = Served(config, port, environment, process)

    def ready() -> bool:
        assert process.poll() is None, (config.parent / "log").read_text()[-3000:]
        try:
            served.get("/")
        except OSError:
            return False
        status = served.command("status")
        return status.returncode == 0 and sum(edge["alive"] for edge in json.loads(status.stdout)["edges"]) == 2

    try:
        eventually(ready, STARTED_WITHIN)
    except BaseException:
        process.kill()
        raise
    return served


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
    for name in ("edge-0", "shadow-0", "control-0", "edge-1"):
        killed = served.children()[name]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda name=name, killed=killed: served.children().get(name, killed) != killed, 20)
        eventually(lambda: _answers(served), 20)
    eventually(lambda: served.command("status").returncode == 0, 20)


def test_killing_the_supervisor_leaves_no_process_behind_and_a_new_one_takes_over(served: Served) -> None:
    children = list(served.children().values())
    assert len(children) == 4
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
