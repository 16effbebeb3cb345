"""Of several control processes, one leads: the one that holds an advisory lock in PostgreSQL."""

from __future__ import annotations

from proxy.errors import StoreUnavailable
from proxy.postgres import Connection, Session

_CONDUCTING = 0x636F6E64756374  # "conduct"


class Leadership:
    """PostgreSQL gives the lock back when the process or its connection ends, and another one can take it."""

    def __init__(self, url: str) -> None:
        self._connection = Connection(url, "leadership")
        self._taken_on = 0  # the number of the connection that holds the lock

    async def held(self) -> bool:
        """Whether this process leads now; takes the lead if it is free. Raises StoreUnavailable."""

        async def work(session: Session) -> bool:
            if self._taken_on == self._connection.connects:
                await session.execute("SELECT 1")  # the lock lives exactly as long as the connection
                return True
            row = await (await session.execute("SELECT pg_try_advisory_lock(%s)", [_CONDUCTING])).fetchone()
            if row is None:
                raise StoreUnavailable("PostgreSQL did not say whether the lock was taken")
            self._taken_on = self._connection.connects if row[0] else 0
            return bool(row[0])

        return await self._connection.run(work)

    async def release(self) -> None:
        """Let another process lead at once."""
        self._taken_on = 0
        await self._connection.close()
