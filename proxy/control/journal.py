"""The journal as an operator sees it: how much waits, which entries need a person, and one of them in full."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from proxy import metrics
from proxy.config import Config
from proxy.control.attention import NEEDING, Waiting, lag, out_of_band, reasons
from proxy.control.problems import Missing
from proxy.edge.routing import copies
from proxy.errors import CutoverError, Refused, StoreUnavailable
from proxy.postgres import Connection, Session
from proxy.state import ControlState
from shadow.answer import Answer
from shadow.compare.redact import Redactor
from shadow.dualwrite.entry import Entry, State
from shadow.dualwrite.journal import entry_of
from shadow.dualwrite.sealing import Keyring, MissingKey, Unsealable, answer_of
from shadow.dualwrite.statements import QUERIES

SHOWN = 20
NEWEST = 2**63 - 1
Rows = list[tuple[Any, ...]]
_WATCHED = "SELECT extract(epoch FROM clock_timestamp() - at)::float8, document FROM cutover.watched"


class JournalView:
    """Reads only. Its methods raise StoreUnavailable while PostgreSQL does not answer."""

    def __init__(self, url: str, keys: Callable[[], Keyring], config: Config) -> None:
        self.connection = Connection(url, "journal view")
        self.enabled = config.journals
        self._keys = keys
        self._redactor = Redactor(config.compare.redact)
        self._off = (
            "both backends share their data: there is nothing to bring over"
            if config.data == "shared"
            else "the journal is off: writes go to the active backend only"
        )

    async def close(self) -> None:
        """End the connection."""
        await self.connection.close()

    async def usable(self) -> None:
        """Raises Refused, with what to do, unless the journal's tables and keys are there."""
        if not self.enabled:
            return
        try:
            self._keys().check([key for (key,) in await self._rows("keys_used")])
            await self._rows("position")
        except (MissingKey, CutoverError) as error:
            raise Refused(
                f"the journal cannot be used: {error}. Mend that first, or set journal.enabled to false: then writes "
                "stay on the active side"
            ) from error

    async def summary(self, state: ControlState) -> dict[str, Any]:
        """For the status page; says so where there is nothing to be had, and never fails."""
        if not self.enabled:
            return {"available": False, "reason": self._off}
        try:
            waiting, leader = await self.waiting(), await self._rows("leader")
            said, watched = await self._rows("standby_says"), await self._watched()
        except StoreUnavailable as error:
            return {"available": False, "reason": str(error)}
        held_up = said[0][0] if said else ""
        why = reasons(waiting, copying=copies(state.phase), led=bool(leader), held_up=held_up)
        if copies(state.phase):
            why += out_of_band(watched)
        return {
            "available": True,
            "alert": "attention" if why else "ok",
            "reasons": why,
            "lag_seconds": round(lag(waiting), 3),
            "states": {
                one.value: {"count": found.count, "oldest_seconds": round(found.oldest, 3)}
                for one, found in waiting.items()
            },
            "watch": watched,
            "replayer": {"term": leader[0][0], "by": leader[0][1]} if leader else None,
        }

    async def _watched(self) -> dict[str, Any] | None:
        """What the last look for writes past the proxy came to; None where nobody looks."""

        async def work(session: Session) -> dict[str, Any] | None:
            found = await session.execute(_WATCHED)
            row = await found.fetchone()
            return None if row is None else {"seconds_ago": round(float(row[0]), 1), **row[1]}  # type: ignore[dict-item, arg-type]

        return await self.connection.run(work, repeatable=True)

    async def waiting(self) -> dict[State, Waiting]:
        """What is in a state that is no end in itself."""
        now = time.time()
        return {
            State(state): Waiting(count, max(0.0, now - oldest)) for state, count, oldest in await self._rows("counts")
        }

    async def needing(self, most: int = SHOWN) -> list[dict[str, Any]]:
        """The oldest entries that need a person, without what was sealed."""
        return [_told(entry_of(row)) for row in await self._rows("needing", most=most)]

    async def entries(self, states: Sequence[State], most: int, before: int) -> list[dict[str, Any]]:
        """The newest entries in these states."""
        rows = await self._rows("entries_in", states=[state.value for state in states], most=most, before=before)
        return [_told(entry_of(row)) for row in rows]

    async def differing(self, most: int, before: int) -> list[dict[str, Any]]:
        """The newest entries whose answers differed, whatever became of them; `reason` says how."""
        return [_told(entry_of(row)) for row in await self._rows("entries_differed", most=most, before=before)]

    async def entry(self, number: int) -> dict[str, Any]:
        """One with both sides' answers, redacted. Raises Missing, and CutoverError where it cannot be opened."""
        found = await self._rows("entries", numbers=[number])
        if not found:
            raise missing(number)
        ((sealed, key, settled),) = await self._rows("standby_answer", number=number)
        try:
            ring = self._keys()
            entry = entry_of(found[0], ring)
            standby = None if sealed is None else answer_of(ring.open(bytes(sealed), f"standby {entry.id}", key))
        except MissingKey as error:
            raise CutoverError(f"entry {number} cannot be opened: {error}") from error
        except Unsealable as error:
            raise CutoverError(f"entry {number} was changed in the database since it was sealed") from error
        request = entry.request
        return {
            **_told(entry),
            "settled_at": settled and _time(settled),
            "differed": entry.differed,
            "client": entry.client and self._redactor.text(entry.client),
            "method": request and request.method,
            "target": request and self._redactor.target(request.target),
            "answers": {entry.origin: self._answer(entry.answer), entry.target: self._answer(standby)},
        }

    def _answer(self, answer: Answer | None) -> dict[str, Any] | None:
        if answer is None:
            return None
        kind = next((value for name, value in answer.headers if name.lower() == b"content-type"), b"")
        return {
            "status": answer.status,
            "content_type": self._redactor.text(kind.decode("latin-1")),
            "body": self._redactor.body(answer.body),
        }

    async def _rows(self, name: str, **values: Any) -> Rows:
        async def work(session: Session) -> Rows:
            return list(await (await session.execute(QUERIES[name].encode(), values)).fetchall())

        return await self.connection.run(work, repeatable=True)


def missing(number: int) -> Missing:
    """What a number that nobody was given is answered with."""
    return Missing(f"the journal has no entry {number}")


def publish(waiting: Mapping[State, Waiting]) -> None:
    """Show it to Prometheus; a state without entries is 0."""
    for state in (State.INTENT, State.DONE, *NEEDING):
        found = waiting.get(state, Waiting(0, 0.0))
        metrics.JOURNAL_ENTRIES.labels(state.value).set(found.count)
        if state in NEEDING:
            metrics.JOURNAL_OLDEST.labels(state.value).set(found.oldest)
    metrics.JOURNAL_LAG.set(lag(waiting))


def _told(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "state": entry.state.value,
        "route": entry.route,
        "lanes": list(entry.lanes),
        "from": entry.origin,
        "to": entry.target,
        "at": _time(entry.at),
        "seconds_ago": round(max(0.0, time.time() - entry.at), 1),
        "attempts": entry.attempts,
        "may_have_landed": entry.uncertain,
        "reason": entry.reason,
        "id": entry.id,
    }


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
