"""A loopback host for files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Files(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        there = self.path.startswith("/image/upload/")
        self.send_response(200 if there else 404)
        self.send_header("Content-Length", "1048576")
        self.send_header("Content-Type", "application/pdf; charset=binary")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@contextmanager
def host() -> Iterator[str]:
    """A loopback host that has every file under /image/upload/, all of one size."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
