"""What edges and the shadow ask the journal for; they need no key, and read no request and no answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shadow.dualwrite.session import JournalSession

ANSWER_WITHIN = 1.0


@dataclass(frozen=True, slots=True)
class Position:
    """How far writes have come."""

    number: int
    """The newest write's."""
    oldest: int | None = None
    """That of the oldest one whose outcome is not known or that the standby is still to get; parked ones do not count,
    they will not come."""


class JournalTail:
    """One connection of one process. Everything raises JournalUnavailable."""

    def __init__(self, url: str) -> None:
        self._session = JournalSession(url, "tail", ANSWER_WITHIN)

    async def clients(self) -> Mapping[str, int]:
        """{client key → the number of its newest entry that is not settled}."""
        return {client: number for client, number in await self._session.run("tail")}

    async def position(self) -> Position:
        """Where the journal stands."""
        ((number, oldest),) = await self._session.run("standing")
        return Position(number, oldest)

    async def aclose(self) -> None:
        """End the connection."""
        await self._session.close()
