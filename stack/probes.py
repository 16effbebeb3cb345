"""Ways to ask whether a process is ready."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

Probe = Callable[[], bool]
PATIENCE = 2.0


def http_answers(url: str) -> Probe:
    """Ready when *url* answers with a status below 400."""
    parts = urlsplit(url)

    def probe() -> bool:
        connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=PATIENCE)
        try:
            connection.request("GET", parts.path or "/")
            return connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe


def tcp_answers(port: int, host: str = "127.0.0.1") -> Probe:
    """Ready when somebody accepts a connection."""

    def probe() -> bool:
        try:
            socket.create_connection((host, port), timeout=PATIENCE).close()
        except OSError:
            return False
        return True

    return probe
