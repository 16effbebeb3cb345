"""What may still land, though nobody waits for it any more: requests on the active side, copies on the standby."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from shadow.answer import Answer, AskFailed
from shadow.clock import Clock
from shadow.dualwrite.admission import Replays
from shadow.dualwrite.copies import Copies, copy_of
from shadow.dualwrite.entry import Entry
from shadow.dualwrite.retry import code_of
from shadow.sender import Target

log = structlog.get_logger("journal")


class Quiet(Protocol):
    """Tells whether a request of an unmodified backend can still land."""

    async def __call__(self, entry: Entry) -> bool:
        """True if no transaction of the backend's role is open that is older than the entry's longest life."""


class Landing:
    """Finds out, by time and by ids. Every method may be repeated."""

    def __init__(
        self, journal: Replays, copies: Copies, quiet: Quiet, targets: Mapping[str, Target], clock: Clock,
        max_request_age: float,
    ) -> None:  # fmt: skip
        self._journal = journal
        self._copies = copies
        self._quiet = quiet
        self._targets = targets
        self._clock = clock
        self._max_request_age = max_request_age

    async def is_over(self, entry: Entry) -> bool:
        """Whether the entry can no longer land on a backend without ids."""
        if entry.ended:
            return True
        aged = self._clock.now() - entry.forward_by > self._max_request_age
        return aged and await self._quiet(entry)

    def copy_may_land(self, entry: Entry) -> bool:
        """Whether a copy of it may still be on its way, though nobody is told what becomes of it."""
        return entry.unanswered and self._targets[entry.target].cooperates

    async def close(self, entries: Sequence[Entry]) -> list[int]:
        """Ask the sides that were to get them; numbers of those of which no copy can land any more."""
        said = await asyncio.gather(*(self.by_id(entry, entry.target) for entry in entries))
        return [entry.number for entry, answer in zip(entries, said, strict=True) if answer]

    async def by_id(self, entry: Entry, name: str) -> Answer | None:
        """What the backend has recorded under the entry's id, or that it never will: then the id is closed. None if it
        did not say; the entry keeps why, for whoever wonders what it waits for."""
        (whole,) = await self._journal.entries([entry.number])
        target = self._targets[name]
        try:
            answer = await self._copies.send(copy_of(whole, target, purpose="resolve"), target)
        except AskFailed as failed:
            why = str(failed)
        else:
            if is_closed(answer):
                return answer
            why = f"{name} answered {answer.status} {code_of(answer) or ''}"
        await self._unsaid(entry, f"asked by its id: {why}".strip())
        return None

    async def _unsaid(self, entry: Entry, why: str) -> None:
        if entry.reason != why:
            log.warning("not_resolved_yet", number=entry.number, why=why)
            await self._journal.explain(entry.number, why)


def is_closed(answer: Answer) -> bool:
    """Whether nothing new can happen under the id that was asked for (design.md, *What a cooperating backend does*).

    The recorded answer says that it is, and a refusal for ever is a 410; a success that nobody recorded there is not to
    be had for an empty body. Anything else may be the word of somebody before the backend, or of a backend that did not
    take the question for one.
    """
    recorded = (answer.header(b"idempotency-replayed") or b"").lower() == b"true"
    return answer.status < 500 and (recorded or answer.status == 410 or 200 <= answer.status < 300)
