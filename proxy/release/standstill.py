"""A moment at which no write is under way: writes are held, those in flight end, and then two databases can be read.

What a client sees of it is a write that takes a little longer. The fence ends by itself, whatever becomes of us.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from proxy.errors import CutoverError
from shadow.dualwrite.statements import QUERIES

WINDOW = 8.0  # seconds for which writes are held at the most; below the 10 s that they wait
TRIES = 3
_BREATH = 0.01
_BETWEEN = 2.0  # seconds between two tries, in which held writes go on

_INTENTS = "SELECT count(*) FROM cutover.journal_entry WHERE state = 'intent'"
_UNSETTLED = "SELECT count(*) FROM cutover.journal_entry WHERE state IN ('intent', 'unknown', 'done')"
_POSITION = "SELECT number, completion FROM cutover.journal_position"
Connection = psycopg.Connection[tuple[object, ...]]


class StillMoving(CutoverError):
    """Writes were under way for longer than others may be held. Nothing was changed; try again later."""


@dataclass(slots=True)
class Standstill:
    """What holds while writes stand still. `held` is the time in seconds that they did, known at its end."""

    number: int
    completion: int
    held: float = 0.0


@contextmanager
def standstill(connection: Connection, *, settled: bool) -> Iterator[Standstill]:
    """Hold all writes for the block, which has to be short; with *settled* the standby has all of them as well.

    Raises StillMoving if writes did not end in time, or if the block took longer than the fence: then what was read in
    it may not be of one moment.
    """
    fence, moment, began = _stopped(connection, settled)
    try:
        yield moment
    finally:
        whole = connection.execute(QUERIES["lift"].encode(), {"fence": fence}).fetchone() is not None
        moment.held = time.monotonic() - began
    if not whole or moment.held >= WINDOW:
        raise StillMoving(f"writes were held for {WINDOW:g} s and went on before the moment was taken: try again")


def _stopped(connection: Connection, settled: bool) -> tuple[object, Standstill, float]:
    waiting = 0
    for attempt in range(TRIES):
        if attempt:
            time.sleep(_BETWEEN)
        began = time.monotonic()
        fenced = connection.execute(QUERIES["fence"].encode(), {"seconds": WINDOW}).fetchone()
        if fenced is None:
            continue  # somebody else holds them
        waiting = _ended(connection, _UNSETTLED if settled else _INTENTS, began + WINDOW / 2)
        if not waiting:
            row = connection.execute(_POSITION).fetchone()
            assert row is not None
            return fenced[0], Standstill(int(str(row[0])), int(str(row[1]))), began
        connection.execute(QUERIES["lift"].encode(), {"fence": fenced[0]})
    what = f"{waiting} writes did not end within {WINDOW / 2:g} s" if waiting else "somebody else holds the writes"
    raise StillMoving(f"{what}; tried {TRIES} times. `cutover journal status` shows them; try again later")


def _ended(connection: Connection, query: str, until: float) -> int:
    """How many are left when the time is over; 0 as soon as none is."""
    while True:
        row = connection.execute(query.encode()).fetchone()
        left = int(str(row[0])) if row else 0
        if not left or time.monotonic() > until:
            return left
        time.sleep(_BREATH)
