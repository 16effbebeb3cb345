"""A backend that honours the ids of writes and remembers in which order their effects came."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Recorder:
    """What one backend did. `refuses` are bodies that it answers with 422, `away` with 503."""

    port: int = 0
    effects: dict[str, str] = field(default_factory=dict)  # by id, in the order in which they happened
    asked: list[tuple[str, str]] = field(default_factory=list)  # purpose of the copy and body
    refuses: set[str] = field(default_factory=set)
    away: bool = False
    stalls: threading.Event | None = None  # no write but a copy happens before it is set
    holds: threading.Event | None = None  # nor is it answered before this is
    closed: set[str] = field(default_factory=set)  # ids that were asked for before they had an effect
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, id: str, purpose: str, body: str) -> tuple[int, object]:
        """The answer to a write."""
        if self.stalls is not None and not purpose:
            self.stalls.wait(30)
        with self.lock:
            self.asked.append((purpose, body))
            answer = self._effect(id, purpose, body)
        if self.holds is not None and not purpose:
            self.holds.wait(30)
        return answer

    def _effect(self, id: str, purpose: str, body: str) -> tuple[int, object]:
        if self.away:
            return 503, {"error": "away"}
        if purpose == "resolve" and id in self.effects:
            return 200, {"wrote": self.effects[id]}
        if purpose == "resolve" or id in self.closed:
            self.closed.add(id)
            return 410, {"error": "closed before anything happened"}
        if body in self.refuses:
            return 422, {"error": "refused", "password": "hunter2"}
        self.effects.setdefault(id, body)
        return 201, {"wrote": body, "token": "a-secret-token"}

    @property
    def wrote(self) -> list[str]:
        """The bodies of its effects."""
        with self.lock:
            return list(self.effects.values())


@contextmanager
def recorder(name: str) -> Iterator[Recorder]:
    """One that runs."""
    recorder = Recorder()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(200, {"answered_by": name})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            given = self.headers
            self._answer(*recorder.take(given.get("Idempotency-Key", ""), given.get("X-Cutover-Copy", ""), body))

        def _answer(self, status: int, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the test's output is for failures."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    recorder.port = server.server_address[1]
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
