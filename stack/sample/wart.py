"""What a wart is: one odd thing that the legacy's tables hold, where it is, and what the new schema makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from stack.sample.passwords import HASHES
from stack.sample.population import dice

# Far above every id of the sample at any scale, and with holes between them: ids never were without gaps.
HOST = 60_000_000
GAP = 7
MOMENT = "2024-08-05 01:02:03.456789"
PLAIN_PASSWORD = "Left-Face-Right"

Values = Mapping[str, object]


class Held(StrEnum):
    """What becomes of a value in Django's schema when it is written there as Node holds it."""

    AS_IS = "as is"
    # Accepted, but it reads back differently: JSON in a jsonb column.
    CHANGED = "changed"
    # The column takes it and gives it back as text; Python's driver cannot load it, so the backend would answer 500.
    UNREADABLE = "unreadable"
    REFUSED = "refused"


@dataclass(frozen=True)
class Wart:
    """One odd case.

    *where* is a condition on a row of Node's table, which it calls ``t``; it finds every row that has the wart, not
    only those of the sample. *rows* are written by ``--warts``: what they do not name is filled by `filled`. Without
    rows the sample itself has the wart already.
    """

    name: str
    table: str
    what: str
    where: str
    rows: tuple[Values, ...] = ()
    held: Held = Held.AS_IS

    @property
    def query(self) -> str:
        """How many rows have it."""
        return f"SELECT count(*) FROM {self.table} t WHERE {self.where}"


def _uuid(table: str, number: int) -> UUID:
    return UUID(int=dice(f"warts/{table}", number).getrandbits(128), version=4)


# What a row needs and its wart does not care about, by table; *n* is the number of the row in its table.
_FILL: Mapping[str, Callable[[int], Values]] = {
    "cadets": lambda n: {"first_name": "Odd", "last_name": f"Cadet {n}", "student_id": f"W-{n:05d}"},
    "staff": lambda n: {"first_name": "Odd", "last_name": f"Sergeant {n}"},
    "users": lambda n: {"username": f"odd{n}", "password": HASHES[PLAIN_PASSWORD], "role": "cadet", "is_approved": 1},
    "user_settings": lambda n: {},
    "training_days": lambda n: {"date": "2024-12-07", "title": f"Odd day {n}"},
    "attendance": lambda n: {"training_day_id": HOST, "cadet_id": n, "status": "present"},
    "staff_attendance": lambda n: {"training_day_id": HOST, "staff_id": n, "status": "present"},
    "excuse_letters": lambda n: {"cadet_id": HOST, "training_day_id": HOST, "date_absent": "2024-12-07"},
    "activities": lambda n: {"title": f"Odd activity {n}"},
    "activity_cadets": lambda n: {},
    "grade_categories": lambda n: {"name": f"Odd category {n}", "weight": "1.00"},
    "grades": lambda n: {"cadet_id": HOST, "category_id": HOST, "term": f"odd {n}", "score": "80.00"},
    "merit_demerit_logs": lambda n: {"cadet_id": HOST, "type": "merit", "points": 1},
    "files": lambda n: {"id": _uuid("files", n), "filename": f"odd {n}.pdf"},
    "reports": lambda n: {"id": _uuid("reports", n), "type": "grades"},
    "messages": lambda n: {"room": "odd", "content": "x"},
    "notifications": lambda n: {"user_id": HOST, "type": "system", "message": f"odd {n}"},
    "push_subscriptions": lambda n: {"user_id": HOST, "endpoint": f"https://push.example/odd/{n}", "keys": "{}"},
    "audit_logs": lambda n: {"table_name": "cadets", "operation": "UPDATE"},
    "settings": lambda n: {"key": f"odd_{n}"},
}
# Defaults of the columns would put today's clock into the sample, which must be the same every time.
_CLOCKS = {"users": "created_at", "merit_demerit_logs": "date_recorded"}
_NUMBERED = frozenset(_FILL) - {"user_settings", "activity_cadets", "files", "reports"}


def filled(table: str, number: int, values: Values) -> Values:
    """A row that can be written: *values*, and what the table needs besides them."""
    own: Values = {"id": HOST + GAP * number} if table in _NUMBERED else {}
    clock: Values = {_CLOCKS[table]: MOMENT} if table in _CLOCKS else {}
    return {**own, **clock, **_FILL[table](number), **values}


def rows_of(warts: Iterable[Wart], table: str) -> Iterator[tuple[Wart, Values]]:
    """The rows that *warts* bring to *table*, in a fixed order with fixed ids."""
    mine = ((wart, values) for wart in warts if wart.table == table for values in wart.rows)
    for number, (wart, values) in enumerate(mine, start=1):
        yield wart, filled(table, number, values)


# Rows in good order that odd ones refer to.
HOSTS: Mapping[str, Values] = {
    "cadets": {"id": HOST, "first_name": "Host", "last_name": "Cadet", "student_id": "W-HOST"},
    "staff": {"id": HOST, "first_name": "Host", "last_name": "Sergeant"},
    "users": {"id": HOST, "username": "odd-host", "cadet_id": HOST},
    "training_days": {"id": HOST, "date": "2024-12-07", "title": "Host"},
    "activities": {"id": HOST, "title": "Host"},
    "grade_categories": {"id": HOST, "name": "Odd category", "weight": "1.00"},
    "files": {"id": UUID(int=dice("warts/host", 1).getrandbits(128), version=4), "filename": "host.pdf"},
}
