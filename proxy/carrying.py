"""The reconciler beside the journal: a row with a write under way is left alone, and every other is carried by the one
who can hold its lanes meanwhile, the leading replayer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import Any

import psycopg

from migration.digests import Key
from migration.errors import RowsError
from migration.findings import key_text
from migration.lanes import lanes_of_row
from migration.mapping import RowMapping, Table
from migration.standing import Values
from migration.watching import Mend, Rows
from proxy.edge.routing import copies
from proxy.state import Phase
from shadow.dualwrite.statements import QUERIES

WITHIN = 30.0
_LOOK_EVERY = 0.1
_BUSY = """
SELECT lane FROM unnest(%s::text[]) lane
WHERE EXISTS (SELECT FROM cutover.journal_lane l WHERE l.span && cutover.span_of(lane))
   OR EXISTS (SELECT FROM cutover.journal_hold h WHERE h.span && cutover.span_of(lane) AND h.until > clock_timestamp())
"""


class ThroughJournal:
    """`settled` and `mend` of a migration.watching.Watcher, for a deployment that journals its writes."""

    def __init__(self, store: str, mapping: RowMapping, plain: Mend, within: float = WITHIN) -> None:
        self._store, self._mapping, self._plain, self._within = store, mapping, plain, within

    def settled(self, table: str, rows: Rows) -> Set[Key]:
        """The rows in whose lanes nothing is under way, whatever either side holds of them."""
        lanes = {key: _lanes(self._mapping.table(table), values) for key, values in rows.items()}
        with self._connected() as connection:
            asked = sorted({lane for those in lanes.values() for lane in those})
            busy = {lane for (lane,) in connection.execute(_BUSY.encode(), [asked])}
        return {key for key, those in lanes.items() if not those & busy}

    def mend(self, wanted: Mapping[str, Rows]) -> Sequence[tuple[str, str, str]]:
        """Have the rows' lanes healed. Raises RowsError where nobody does it in time."""
        with self._connected() as connection:
            if not copies(_phase(connection)):
                return self._plain(wanted)  # nobody replays, so there is nobody to be beside of
            tables = {name: self._mapping.table(name) for name in wanted}
            lanes = {
                lane for name, rows in wanted.items() for row in rows.values() for lane in _lanes(tables[name], row)
            }
            self._ask(connection, sorted(lanes))
        return [
            (name, key_text(tables[name].key, key), _action(values))
            for name, rows in wanted.items()
            for key, values in rows.items()
        ]

    def _ask(self, connection: psycopg.Connection[Any], lanes: list[str]) -> None:
        values = {"number": None, "lanes": lanes, "seconds": self._within}
        ((asked,),) = connection.execute(QUERIES["ask_heal"].encode(), values).fetchall()
        until = time.monotonic() + self._within
        while time.monotonic() < until:
            for answer, _ in connection.execute(QUERIES["heal_answer"].encode(), {"id": asked}):
                if answer:
                    raise RowsError(f"the rows of {', '.join(lanes[:5])} were not carried: {answer}")
                return
            time.sleep(_LOOK_EVERY)
        raise RowsError(
            f"nobody carried the rows of {', '.join(lanes[:5])} within {self._within:g} s: is there a replayer?"
        )

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self._store, autocommit=True, connect_timeout=5, application_name="cutover rows") as found:
            yield found


def _phase(connection: psycopg.Connection[Any]) -> Phase:
    ((phase,),) = connection.execute("SELECT phase FROM cutover.control").fetchall()
    return Phase(phase)


def _lanes(table: Table, values: Values) -> set[str]:
    """The lanes of a row as either side has it."""
    names = [column.name for column in table.columns]
    return {
        lane for row in values if row is not None for lane in lanes_of_row(table, dict(zip(names, row, strict=True)))
    }


def _action(values: Values) -> str:
    theirs, ours = values
    return "delete" if theirs is None else "insert" if ours is None else "update"
