"""What every read of the contract may be asked: the ids in its path and the parameters behind it, good ones and bad."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from stack.sample.population import CADET, dice
from stack.sample.wart import GAP, HOST

Values = tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """One read. The first value of each id is a good one; a parameter may always be left out."""

    ids: Mapping[str, Values] = field(default_factory=dict)
    query: Mapping[str, Values] = field(default_factory=dict)


def _uuids(table: str, *numbers: int) -> Values:
    return tuple(str(UUID(int=dice(table, number).getrandbits(128), version=4)) for number in numbers)


# What no row has, and what is no id at all. On purpose without `2abc`: the legacy reads 2 (docs/api.md).
_NO_ROW = ("0", "-1", "999999999")
_NO_ID = ("abc", "99999999999999999999", "null", "%C3%B1", "x'--")
_ODD_ROWS = tuple(str(HOST + GAP * number) for number in range(0, 60, 3))
_CADETS = (str(CADET.cadet_id), "2", "57", "137", "270", "290", *_ODD_ROWS, *_NO_ROW, *_NO_ID)
_NO_UUID = ("00000000-0000-4000-8000-000000000000", "no-uuid", "1", "{00000000-0000-4000-8000-000000000000}")

PAGE: Mapping[str, Values] = {
    "page": ("1", "2", "3", "999", "0", "-1", "x", "", "99999999999999999999"),
    "limit": ("10", "1", "0", "7", "100", "101", "100000", "-1", "x", ""),
}
SEARCHES = ("an", "AN", "Cruz", "ñ", "Ñ", "20-000", "O'B", "%", "_", "\\", "zzz", "", " ", "🫡", "a" * 300)
TEXTS = ("", "nothing", "%", "ALPHA")
WHOSE = (str(CADET.cadet_id), "2", "57", str(HOST), "999999999", "abc", "", "-1")

SHAPES: dict[str, Shape] = {
    "GET auth/me": Shape(),
    "GET auth/settings": Shape(),
    "GET cadets": Shape(query={
        **PAGE, "search": SEARCHES, "company": ("Alpha", "HQ", *TEXTS),
        "course": ("BSIT", "bsit", "BS Marine Eng'g", ""),
        "includeArchived": ("true", "false", "TRUE", "1", ""), "unknown": ("parameter",),
    }),
    "GET cadets/me": Shape(),
    "GET cadets/{id}": Shape({"id": _CADETS}),
    "GET staff": Shape(query={
        **PAGE, "search": (*SEARCHES, "@msu"), "role": ("Instructor", "Commandant", "instructor", ""),
        "includeArchived": ("true", "false", "1"),
    }),
    "GET staff/me": Shape(),
    "GET staff/{id}": Shape({"id": ("4", "1", "13", *_ODD_ROWS, *_NO_ROW, *_NO_ID)}),
    "GET activities": Shape(query={
        **PAGE, "type": ("activity", "announcement", "Activity", ""),
        "search": (*SEARCHES, "Tree", "tree", "program 1"),
    }),
    "GET activities/{id}": Shape({"id": ("1", "7", "24", *_ODD_ROWS, *_NO_ROW, *_NO_ID)}),
    "GET attendance/days": Shape(query=PAGE),
    "GET attendance/days/{id}": Shape({"id": ("1", "6", "9", "15", *_ODD_ROWS, *_NO_ROW, *_NO_ID)}),
    "GET attendance/days/{id}/records": Shape(
        {"id": ("1", "9", "15", str(HOST), *_NO_ROW, *_NO_ID)},
        {"company": ("Alpha", "HQ", *TEXTS), "platoon": ("1", "2", "9", "")},
    ),
    "GET attendance/my-history": Shape(query=PAGE),
    "GET attendance/excuse-letters": Shape(query={**PAGE, "status": ("pending", "approved", "rejected", "x", "")}),
    "GET grading/categories": Shape(),
    "GET grading/grades": Shape(query={
        **PAGE, "cadetId": WHOSE, "categoryId": ("1", "2", "3", "999999999", "abc", ""),
        "term": ("prelim", "midterm", "final", "Final", ""),
    }),
    "GET grading/cadets/{id}/summary": Shape({"id": _CADETS}),
    "GET grading/cadets/{id}/ledger": Shape({"id": _CADETS}),
    "GET grading/merit-logs": Shape(query={
        **PAGE, "cadetId": WHOSE, "type": ("merit", "demerit", "praise", ""),
    }),
    "GET grading/leaderboard": Shape(query={"limit": ("10", "5", "1", "100", "1000", "0", "-1", "x", "")}),
    "GET files": Shape(query=PAGE),
    "GET files/{id}": Shape({"id": (*_uuids("files", 1, 2, 3, 4, 5, 20), *_NO_UUID)}),
    "GET reports": Shape(query=PAGE),
    "GET messaging/rooms/{room}/messages": Shape(
        {"room": ("general", "direct", "alpha", "staff%20room", "odd", "General", "no%20such", "%C3%91%2F2%3F")}, PAGE
    ),
    "GET messaging/notifications": Shape(query={**PAGE, "unread": ("true", "false", "TRUE", "1")}),
    "GET system/audit-logs": Shape(query={
        **PAGE, "table_name": ("cadets", "merit_demerit_logs", "Cadets", "none", ""),
    }),
    "GET system/settings": Shape(),
    "GET system/stats": Shape(),
}  # fmt: skip
