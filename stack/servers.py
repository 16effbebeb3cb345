"""PostgreSQL and Redis for the stack: those of DATABASE_URL and REDIS_URL, else embedded ones."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Self

from proxy.embedded import EmbeddedPostgres, EmbeddedRedis, EmbeddedServer, ensure_database
from stack.say import say

DATABASES = ("rotc_node", "rotc_django", "cutover")


class Servers:
    """Both servers while the block runs, and the URLs of the three databases."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.redis_url = ""
        self.databases: dict[str, str] = {}
        self._embedded: list[EmbeddedServer] = []

    def start(self) -> None:
        """Start what the environment does not name, and create the databases that are missing."""
        postgres = os.environ.get("DATABASE_URL") or self._embed("postgres", EmbeddedPostgres(self._say))
        self.redis_url = os.environ.get("REDIS_URL") or self._embed("redis", EmbeddedRedis(self._say))
        self.databases = {name: ensure_database(postgres, name) for name in DATABASES}

    def stop(self) -> None:
        """Stop the embedded ones."""
        for server in reversed(self._embedded):
            server.stop()
        self._embedded.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _embed(self, name: str, server: EmbeddedServer) -> str:
        started = time.monotonic()
        self._embedded.append(server)
        url = server.start(self.directory / name)
        assert server.process is not None
        where = f"on {url.rpartition('@')[2]} (pid {server.process.pid})"
        say(name, f"ready after {time.monotonic() - started:.1f} s {where}", "+")
        return url

    @staticmethod
    def _say(text: str) -> None:
        say("servers", text, "!")
