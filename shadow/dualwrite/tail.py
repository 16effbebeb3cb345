"""What an edge asks the journal for: whose writes are not on the standby yet. It needs no key for that."""

from __future__ import annotations

from collections.abc import Mapping

from shadow.dualwrite.session import JournalSession

ANSWER_WITHIN = 1.0


class JournalTail:
    """One connection of one edge process."""

    def __init__(self, url: str) -> None:
        self._session = JournalSession(url, "tail", ANSWER_WITHIN)

    async def __call__(self) -> Mapping[str, int]:
        """{client key → the number of its newest entry that is not settled}. Raises JournalUnavailable."""
        return {client: number for client, number in await self._session.run("tail")}

    async def close(self) -> None:
        """End the connection."""
        await self._session.close()
