"""`cutover serve` in processes of its own, in front of two small servers that know nothing of it."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.waiting import eventually

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
    """Run `cutover serve` and wait until the control API and every edge answer."""
    edges = yaml.safe_load(config.read_text())["listen"]["edges"]
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
        return status.returncode == 0 and sum(edge["alive"] for edge in json.loads(status.stdout)["edges"]) == edges

    try:
        eventually(ready, STARTED_WITHIN)
    except BaseException:
        process.kill()
        raise
    return served
