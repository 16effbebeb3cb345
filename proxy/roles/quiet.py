"""Whether a write that nobody heard of again can still land: its database knows what is open."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
import structlog

from shadow.dualwrite.entry import Entry

log = structlog.get_logger("journal")

_OPEN = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name NOT LIKE 'cutover%%'
  AND xact_start < to_timestamp(%s)
"""


class QuietDatabases:
    """Asks the database of the entry's backend for transactions that began before the entry's longest life ended.

    Where no database is configured nobody can be asked: the longest life alone decides.
    """

    def __init__(self, databases: Mapping[str, str], longest_life: float) -> None:
        self._databases = databases
        self._longest_life = longest_life

    async def __call__(self, entry: Entry) -> bool:
        """True if none is open; False also while the database does not say."""
        url = self._databases.get(entry.origin)
        if url is None:
            return True
        try:
            async with await psycopg.AsyncConnection.connect(
                url, autocommit=True, connect_timeout=3, application_name="cutover quiet"
            ) as session:
                row = await (await session.execute(_OPEN, [entry.forward_by + self._longest_life])).fetchone()
        except psycopg.Error as error:
            log.warning("quiet_not_known", backend=entry.origin, number=entry.number, error=str(error))
            return False
        return row is not None and row[0] == 0
