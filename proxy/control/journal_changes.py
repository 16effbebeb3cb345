"""What a person may do with the journal's entries: each change in one transaction with its row of history."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import psycopg

from proxy import statements
from proxy.control.journal import JournalView, missing
from proxy.control.operations import By
from proxy.edge.routing import copies
from proxy.errors import CutoverError, Refused
from proxy.postgres import Session
from proxy.release.changes import Record
from proxy.state import ControlState
from shadow.dualwrite.entry import OPEN, Entry, State
from shadow.dualwrite.journal import entry_of
from shadow.dualwrite.statements import QUERIES

HEAL_WITHIN = 10.0  # seconds that whoever asks for a heal waits for it
_LOOK_EVERY = 0.1
_HEALABLE = (OPEN - {State.INTENT}) | {State.DIVERGED}


class JournalChanges:
    """The verbs. Each raises Refused with the reason and what to do instead, Missing or StoreUnavailable."""

    def __init__(self, view: JournalView) -> None:
        self._view = view
        self._connection = view.connection

    async def retry(self, by: By, number: int) -> dict[str, Any]:
        """Let a parked entry be sent again."""
        return await self._move("retry", by, number, State.DONE, {})

    async def skip(self, by: By, number: int) -> dict[str, Any]:
        """Let the standby do without an entry."""
        return await self._move("skip", by, number, State.SKIPPED, {"reason": by.why})

    async def erase(self, by: By, client: str) -> dict[str, Any]:
        """Forget one person's data. Who it was is not kept in the history either."""

        async def work(session: Session) -> tuple[int, int]:
            async with session.transaction():
                ((erased, kept),) = await _rows(session, "erase", client=client)
                if erased:
                    await statements.note(session, Record("journal erase", by.why, by.who, {"entries": erased}))
                if by.dry_run:
                    raise psycopg.Rollback  # ends the block, and takes everything in it back
            return erased, kept

        erased, kept = await self._connection.run(work)
        notes = [f"{kept} are not settled and still needed: erase again once they are"] if kept else []
        return {"dry_run": by.dry_run, "changed": erased > 0, "erased": erased, "kept": kept, "notes": notes}

    async def heal(self, by: By, state: ControlState, number: int | None, lane: str | None) -> dict[str, Any]:
        """Let the leading replayer carry the rows of an entry's lanes, or of one lane, and wait for it a while."""
        if not copies(state.phase):
            raise Refused(f"the release is {state.phase.value}: the standby gets no copies, so nothing is healed")
        lanes = await self._lanes(number, state) if number is not None else (lane or "",)
        if by.dry_run:
            return {"dry_run": True, "changed": True, "lanes": list(lanes), "healed": [], "notes": []}
        asked = await self._ask_heal(by, number, lanes)
        healed = await self._healed(asked)
        return {"dry_run": False, "changed": True, "lanes": list(lanes), "healed": healed, "notes": []}

    # ---- one entry

    async def _move(self, verb: str, by: By, number: int, to: State, values: Mapping[str, Any]) -> dict[str, Any]:
        async def work(session: Session) -> tuple[Entry, bool]:
            async with session.transaction():
                entry = await _entry(session, number)
                done = bool(await _rows(session, verb, number=number, **values))
                if done:
                    evidence = {"number": number, "was": entry.state.value, "route": entry.route}
                    await statements.note(session, Record(f"journal {verb}", by.why, by.who, evidence))
                if by.dry_run:
                    raise psycopg.Rollback  # ends the block, and takes everything in it back
            return entry, done

        entry, done = await self._connection.run(work)
        if not done:
            raise Refused(f"entry {number} {_why_not(verb, entry)}")
        return {
            "dry_run": by.dry_run, "changed": True, "number": number, "was": entry.state.value, "state": to.value,
            "notes": [],
        }  # fmt: skip

    # ---- heal

    async def _lanes(self, number: int, state: ControlState) -> tuple[str, ...]:
        entry = await self._connection.run(lambda session: _entry(session, number), repeatable=True)
        if entry.state not in _HEALABLE:
            raise Refused(f"entry {number} {_why_not('heal', entry)}")
        if entry.target != state.standby:
            raise Refused(f"entry {number} was for {entry.target}, which is not the standby any more")
        return entry.lanes

    async def _ask_heal(self, by: By, number: int | None, lanes: tuple[str, ...]) -> int:
        async def work(session: Session) -> int:
            async with session.transaction():
                rows = await _rows(session, "ask_heal", number=number, lanes=list(lanes), seconds=HEAL_WITHIN)
                evidence = {"number": number, "lanes": list(lanes)}
                await statements.note(session, Record("journal heal", by.why, by.who, evidence))
            return int(rows[0][0])

        return await self._connection.run(work)

    async def _healed(self, asked: int) -> list[int]:
        """The numbers that are settled by it."""
        loop = asyncio.get_running_loop()
        until = loop.time() + HEAL_WITHIN
        while loop.time() < until:
            rows = await self._connection.run(lambda session: _rows(session, "heal_answer", id=asked), repeatable=True)
            if rows and rows[0][0]:
                raise CutoverError(f"not healed: {rows[0][0]}")
            if rows:
                return list(rows[0][1])
            await asyncio.sleep(_LOOK_EVERY)
        raise CutoverError(
            f"not healed within {HEAL_WITHIN:g} s: something in these lanes has not ended yet, or nobody replays; "
            "look at `cutover journal status` and try again"
        )


async def _rows(session: Session, name: str, **values: Any) -> list[tuple[Any, ...]]:
    return list(await (await session.execute(QUERIES[name].encode(), values)).fetchall())


async def _entry(session: Session, number: int) -> Entry:
    rows = await _rows(session, "entry_for_change", number=number)
    if not rows:
        raise missing(number)
    return entry_of(rows[0])


def _why_not(verb: str, entry: Entry) -> str:
    """Why this cannot be done with an entry, and what can."""
    if verb == "retry" and entry.state is State.PARKED:
        return "may have reached the standby already: sending it again could make it two. Heal or skip it"
    wanted = {
        "retry": "only a parked one can be sent again",
        "skip": "only a parked, diverged or abandoned one can be skipped",
        "heal": "there is nothing to be healed",
    }
    return f"is {entry.state.value}: {wanted[verb]}"
