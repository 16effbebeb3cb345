"""The link between an edge and a journal writer in the same process: nothing travels, and nobody else is asked."""

from __future__ import annotations

import asyncio

from shadow.dualwrite.admission import Admission, Noted
from shadow.dualwrite.client import Dial, JournalClient, Link
from shadow.dualwrite.entry import Intent, Outcome
from shadow.dualwrite.writer import Asked, JournalWriter


def inside(writer: JournalWriter) -> Dial:
    """To this writer, which runs in the same event loop."""

    async def dial(client: JournalClient) -> Link:
        return Inside(client, writer)

    return dial


class Inside:
    """Both ends at once: a `Link` for the edge, an `Edge` for the writer.

    It is never paused: what the writer holds for it, the edge holds anyway, and bounds it.
    """

    def __init__(self, client: JournalClient, writer: JournalWriter) -> None:
        self._client = client
        self._writer = writer
        self.lost = asyncio.Event()
        writer.connected(self)
        client.connected(self)

    @property
    def gone(self) -> bool:
        return self.lost.is_set()

    # ---- for the edge

    def send(self, turn: int, what: Intent | Outcome) -> None:
        if not self.gone:
            body = what.request.body if isinstance(what, Intent) else what.answer.body if what.answer else b""
            self._writer.take([Asked(self, turn, what, len(body))])

    def close(self) -> None:
        if not self.gone:
            self.lost.set()
            self._writer.lost(self)
            self._client.disconnected()

    # ---- for the writer

    def tell(self, turn: int, answer: Admission | Noted) -> None:
        if not self.gone:
            self._client.heard(turn, answer)

    def flush(self) -> None:
        pass

    def pause(self) -> None:
        pass

    def resume(self) -> None:
        pass
