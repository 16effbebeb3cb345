"""Which clients have written something that the standby may not have yet (design.md section 3, *Read your writes*).

While reads wait that the weight gives to the standby, the journal is asked for {client → newest unsettled entry}, once
for all of them. What a read goes by was asked after it came, so it counts every write that was admitted before,
by whichever edge on whichever machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from shadow.dualwrite.session import JournalUnavailable

log = structlog.get_logger("edge")

Tail = Callable[[], Awaitable[Mapping[str, int]]]

BREATH = 0.002  # seconds between two looks: reads that come meanwhile share the next one
PATIENCE = 0.1  # a read that waits longer goes to the active side


class Pending:
    """Asks the journal for one edge process. `run` has to be running."""

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self._clients: Mapping[str, int] = {}
        self._asked = asyncio.Event()
        self._next: asyncio.Future[bool] | None = None  # the look that has not begun yet
        self._lost = False

    async def why_home(self, client: str) -> str | None:
        """Why a read of this client must not go to the standby; None if that has all of the client's own writes."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        self._asked.set()
        try:
            seen = await asyncio.wait_for(asyncio.shield(self._next), PATIENCE)
        except TimeoutError:
            seen = False
        if not seen:
            return "the journal does not say whether the client's writes are on the standby"
        return "a write of the client is not on the standby yet" if client in self._clients else None

    async def run(self) -> None:
        """Look whenever somebody waits, for ever."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            waiting, self._next = self._next, None
            seen = await self._look()
            if waiting is not None and not waiting.done():
                waiting.set_result(seen)
            await asyncio.sleep(BREATH)

    async def _look(self) -> bool:
        try:
            self._clients = await self._tail()
        except JournalUnavailable as error:
            if not self._lost:
                log.error("journal_tail_lost", error=str(error))
            self._lost = True
            return False
        except Exception:  # such as tables that are not there yet: the next read asks again, this one stays home
            log.exception("journal_tail_failed")
            self._lost = True
            return False
        if self._lost:
            log.info("journal_tail_back")
        self._lost = False
        return True
