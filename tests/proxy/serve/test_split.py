"""The parts of one deployment as services of their own, with a second replayer that stands by."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from proxy.embedded import free_port
from tests.proxy.serve.recording import Recorder, recorder
from tests.support.servers import reachable_directory
from tests.support.waiting import eventually

WITHIN = 60.0
KEY = f"k1:{b64encode(b'1' * 32).decode()}"


@contextmanager
def service(only: str, directory: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`cutover serve --only …` with a directory of its own, as on a machine of its own."""
    directory.mkdir()
    argv = [sys.executable, "-m", "proxy.cli.main", "serve", "--only", only]
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(argv, env=environment | {"STATE": str(directory)}, stdout=log, stderr=log)
    try:
        yield process
        process.terminate()
        assert process.wait(30) == 0, (directory / "log").read_text()[-3000:]
    finally:
        process.kill()


def asked(environment: dict[str, str], *words: str) -> Any:
    """What a verb answers as JSON; None while it is refused."""
    argv = [sys.executable, "-m", "proxy.cli.main", *words, "--json"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=30, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def post(port: int, body: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/things", body)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def config(path: Path, old: Recorder, new: Recorder, database: str, redis: str) -> Path:
    path.write_text(f"""backends:
  old: {{ url: "http://127.0.0.1:{old.port}", cooperates: true }}
  new: {{ url: "http://127.0.0.1:{new.port}", cooperates: true }}
active: old
store: {{ directory: "${{STATE:-/nowhere}}", database: "{database}", redis: "{redis}" }}
listen: {{ edges: 1 }}
""")
    return path


def test_a_replayer_that_freezes_is_replaced_and_does_nothing_twice_when_it_thaws(
    fresh_database: Callable[[], str], redis_url: str
) -> None:
    with ExitStack() as stack:
        directory = stack.enter_context(reachable_directory())
        old, new = stack.enter_context(recorder("old")), stack.enter_context(recorder("new"))
        path = config(directory / "cutover.yaml", old, new, fresh_database(), redis_url)
        port = free_port()
        environment = os.environ | {
            "CUTOVER_CONFIG": str(path), "PORT": str(port), "CUTOVER_CONTROL_PORT": str(free_port()),
            "CUTOVER_TOKEN": "t", "CUTOVER_SECRET": "s" * 32, "CUTOVER_JOURNAL_KEYS": KEY,
        }  # fmt: skip
        for name in ("control", "edge", "replayer"):
            stack.enter_context(service(name, directory / name, environment))
        stack.enter_context(service("replayer", directory / "another", environment))
        eventually(lambda: post(port, "before") == 201, WITHIN)
        eventually(lambda: asked(environment, "start", "--empty"), WITHIN)
        eventually(lambda: all(edge["agrees"] for edge in asked(environment, "status")["edges"]), WITHIN)
        assert post(port, "one") == 201
        eventually(lambda: new.wrote == ["one"], WITHIN)
        eventually(lambda: asked(environment, "journal", "status")["states"] == {}, WITHIN)

        leader = asked(environment, "journal", "status")["replayer"]
        frozen = int(leader["by"].rpartition(":")[2])
        os.kill(frozen, signal.SIGSTOP)
        try:
            assert [post(port, f"frozen {n}") for n in range(5)] == [201] * 5
            eventually(lambda: "frozen 4" in new.wrote, WITHIN)
            assert asked(environment, "journal", "status")["replayer"]["term"] > leader["term"]
        finally:
            os.kill(frozen, signal.SIGCONT)
        assert post(port, "thawed") == 201
        eventually(lambda: "thawed" in new.wrote, WITHIN)
        journaled = [body for body in old.wrote if body != "before"]
        assert new.wrote == journaled
        assert sorted(body for purpose, body in new.asked if purpose == "replay") == sorted(journaled)
