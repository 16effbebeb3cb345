"""A copy joined to the journal at an exact position: what it lacks is journaled (design.md section 5).

Every edge journals first, and its earlier writes drain; then writes stand still for the moment of the snapshot. What
had completed by then is in the copy, what comes later is replayed, and nothing is replayed before the copy has ended
well. Interrupted, it is begun again; `cutover stop` gives it up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from proxy.errors import CutoverError, Refused
from proxy.release.standstill import Connection, standstill

AGREED_WITHIN = 120.0  # seconds for every edge to journal, and for what it had forwarded before to end
_BREATH = 0.1

_BEGIN = """
INSERT INTO cutover.joining (completion) VALUES (NULL)
ON CONFLICT (one) DO UPDATE SET since = clock_timestamp(), completion = NULL
"""
_PHASE = "SELECT phase FROM cutover.control"
_UNDER_WAY = "SELECT count(*) FROM cutover.joining"
# An edge that was silent for a while cannot be told from one that is gone; a minute is longer than any restart.
_BEHIND = """
SELECT e.id FROM cutover.edge e, cutover.setting s
WHERE e.at > clock_timestamp() - interval '1 minute' AND (e.version < s.version OR e.unjournaled > 0)
"""
_EDGES = "SELECT count(*) FROM cutover.edge WHERE at > clock_timestamp() - interval '1 minute'"
_GIVE_UP = "DELETE FROM cutover.joining"
_NOTE = "UPDATE cutover.joining SET completion = %s"
_FINISH = """
WITH copied AS (
    UPDATE cutover.journal_entry SET state = 'healed', reason = 'it is in the copy', settled_at = clock_timestamp()
    WHERE state IN ('done', 'parked') AND completion <= (SELECT completion FROM cutover.joining) RETURNING number
), sent AS (DELETE FROM cutover.journal_sending s USING copied WHERE s.number = copied.number),
   gone AS (DELETE FROM cutover.journal_lane l USING copied WHERE l.number = copied.number),
   over AS (DELETE FROM cutover.joining)
SELECT count(*) FROM copied
"""


@dataclass(slots=True)
class Joined:
    """Where a copy was joined: the position, how long writes were held for it, how many entries it stands for."""

    completion: int = 0
    held: float = 0.0
    entries: int = 0

    def document(self) -> dict[str, object]:
        """For programs."""
        return {"completion": self.completion, "held_seconds": round(self.held, 4), "entries": self.entries}


class Joining:
    """One joined copy. `start` begins the release: it is called once nothing can be replayed."""

    def __init__(self, connection: Connection, start: Callable[[], None]) -> None:
        self._connection = connection
        self._start = start
        self.joined = Joined()

    def begin(self) -> None:
        """Let every edge journal, and wait until each does. Raises Refused, CutoverError."""
        phase, under_way = self._one(_PHASE), self._one(_UNDER_WAY)
        if phase != "resting" and not under_way:
            raise Refused(f"the release is {phase}: its standby gets copies already. `cutover stop` first")
        self._connection.execute(_BEGIN)
        if phase == "resting":
            try:
                self._start()
            except BaseException:
                self._connection.execute(_GIVE_UP)  # or a start of another kind would wait for this copy
                raise
        self._wait_for_edges()

    def _wait_for_edges(self) -> None:
        until = time.monotonic() + AGREED_WITHIN
        while True:
            behind = [str(row[0]) for row in self._connection.execute(_BEHIND).fetchall()]
            if not behind and self._one(_EDGES):
                return
            if time.monotonic() > until:
                who = ", ".join(behind) or "no edge was heard of"
                raise CutoverError(f"not every edge journals all of its writes: {who}. Nothing was copied")
            time.sleep(_BREATH)

    @contextmanager
    def moment(self) -> Iterator[int]:
        """Writes stand still for the block, in which the snapshot is to be taken."""
        with standstill(self._connection, settled=False) as still:
            yield still.completion
            self._connection.execute(_NOTE, [still.completion])
        self.joined.completion, self.joined.held = still.completion, still.held

    def finish(self) -> None:
        """The copy has ended well: let what came after its moment be replayed."""
        self.joined.entries = int(str(self._one(_FINISH)))

    def _one(self, query: str) -> object:
        row = self._connection.execute(query.encode()).fetchone()
        return row[0] if row else None
