"""One moment of a database, seen by as many sessions as wanted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psycopg

from migration.session import Session, connect

KEPT_ALIVE_EVERY = 20.0
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Snapshot:
    """Holds a transaction open, so that every session made here sees the same rows. Use it as a context manager."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = ""
        self._stack = ExitStack()
        self._over = threading.Event()

    def __enter__(self) -> Snapshot:
        with ExitStack() as stack:
            self.holder = stack.enter_context(connect(self.url, autocommit=True))
            self.holder.run(_BEGIN)
            self.name = str(self.holder.one("SELECT pg_export_snapshot()")[0])
            self._stack = stack.pop_all()
        # Hosted servers suspend what is silent, and with the holder the snapshot would go.
        threading.Thread(target=self._keep_alive, name="snapshot", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._stack.close()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Another session on the same moment; read only."""
        with connect(self.url, autocommit=True) as session:
            session.run(_BEGIN)
            session.run(f"SET TRANSACTION SNAPSHOT '{self.name}'")
            yield session

    def _keep_alive(self) -> None:
        # If the holder is gone, the next session to be made says so in words.
        with suppress(psycopg.Error):
            while not self._over.wait(KEPT_ALIVE_EVERY):
                self.holder.run("SELECT 1")
