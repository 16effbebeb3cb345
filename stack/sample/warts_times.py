"""Warts of time: three zones in one column, instants that no program can load, ties, gaps of the clock."""

from __future__ import annotations

from stack.sample.wart import HOST, Held, Wart

_OTHER = "EXISTS (SELECT FROM {} o WHERE o.id <> t.id AND {})"


def _instant(name: str, table: str, column: str, what: str, value: str, where: str, held: Held) -> Wart:
    return Wart(name, table, what, where.format(f"t.{column}"), ({column: value},), held)


_ZONES = (
    # One minute of one morning, 07:55 in Manila, as three writers put it down.
    Wart("three-zones", "attendance", "one column holds Manila's clock, UTC's and New York's for the same minute",
         "t.time_in LIKE '7:55:%' AND (SELECT count(DISTINCT o.created_at) FROM attendance o "
         "WHERE o.time_in = t.time_in AND age(o.created_at, t.created_at) "
         "IN ('0', '8 h', '-8 h', '4 h', '-4 h', '12 h', '-12 h')) = 3",
         tuple({"cadet_id": cadet, "time_in": "7:55:10 AM", "created_at": at} for cadet, at in
               ((1, "2024-08-05 07:55:10"), (2, "2024-08-04 23:55:10"), (3, "2024-08-04 19:55:10")))),
    Wart("two-zones-of-grades", "grades", "the process's clock beside UTC's for one sitting",
         _OTHER.format("grades", "o.term LIKE 'odd zone%' AND o.created_at = t.created_at + interval '8 h'"),
         ({"term": "odd zone 1", "created_at": "2024-10-01 02:00:00"},
          {"term": "odd zone 2", "created_at": "2024-10-01 10:00:00"})),
    Wart("import-in-manila", "cadets", "imported by a laptop in Manila: the change is older than the row",
         "t.updated_at < t.created_at", ({"created_at": "2024-08-05 09:00:00", "updated_at": "2024-08-05 01:30:00"},)),
    Wart("hour-twice", "messages", "an hour that a clock with summer time shows twice",
         "t.created_at >= '2024-11-03 01:00' AND t.created_at < '2024-11-03 02:00'",
         ({"created_at": "2024-11-03 01:30:00"},)),
    Wart("hour-never", "messages", "an hour that a clock with summer time leaves out",
         "t.created_at >= '2024-03-10 02:00' AND t.created_at < '2024-03-10 03:00'",
         ({"created_at": "2024-03-10 02:30:00"},)),
)  # fmt: skip

_ORDERS = (
    Wart("time-against-id", "messages", "a later id with an earlier time",
         _OTHER.format("messages", "o.id < t.id AND o.created_at > t.created_at"),
         ({"created_at": "2024-09-02 00:00:00"}, {"created_at": "2024-09-01 00:00:00"})),
    Wart("tie", "messages", "two rows of one instant in a list that is ordered by it",
         _OTHER.format("messages", "o.created_at = t.created_at"),
         ({"created_at": "2024-09-03 00:00:00"}, {"created_at": "2024-09-03 00:00:00"})),
    Wart("tie-in-milliseconds", "notifications", "two instants that JavaScript cannot tell apart",
         _OTHER.format("notifications", "o.created_at <> t.created_at AND date_trunc('milliseconds', o.created_at) = "
                       "date_trunc('milliseconds', t.created_at)"),
         ({"created_at": "2024-09-03 00:00:00.123456"}, {"created_at": "2024-09-03 00:00:00.123999"})),
    Wart("time-null", "messages", "no time in a list that is ordered by it", "t.created_at IS NULL",
         ({"created_at": None},)),
    Wart("whole-second", "notifications", "no fraction: one side prints .000, the other nothing",
         "t.created_at = date_trunc('second', t.created_at)", ({"created_at": "2024-09-04 00:00:00"},)),
    Wart("microseconds", "notifications", "digits that JavaScript cuts off",
         "t.created_at <> date_trunc('milliseconds', t.created_at)", ({"created_at": "2024-09-04 00:00:00.999999"},)),
    Wart("years-ago", "notifications", "a row far older than any import: auto_now_add would show",
         "t.created_at < '2015-01-01' AND t.created_at > '1970-01-02'", ({"created_at": "2014-06-01 00:00:00"},)),
    Wart("epoch", "notifications", "the zero of JavaScript's clock", "t.created_at = '1970-01-01'",
         ({"created_at": "1970-01-01 00:00:00"},)),
    Wart("future", "notifications", "a clock that ran ahead", "t.created_at > '2090-01-01' AND isfinite(t.created_at)",
         ({"created_at": "2099-12-31 23:59:59.999999"},)),
)  # fmt: skip

_EXTREMES = (
    ("infinity", "after every time", "infinity", "{} = 'infinity'"),
    ("minus-infinity", "before every time", "-infinity", "{} = '-infinity'"),
    ("far-year", "a year with five digits", "20245-08-03", "{} > '9999-12-31' AND isfinite({})"),
    ("bc", "a year before the first one", "0044-03-15 BC", "{} < '0001-01-01' AND isfinite({})"),
)
_WHERE = (("users", "last_seen"), ("cadets", "birthdate"), ("excuse_letters", "date_absent"), ("reports", "created_at"),
          ("merit_demerit_logs", "date_recorded"))  # fmt: skip
_UNLOADABLE = tuple(
    _instant(f"{name}-{column.replace('_', '-')}", table, column, what, value,
             where.replace("{}", f"t.{column}"), Held.UNREADABLE)
    for table, column in _WHERE
    for name, what, value, where in _EXTREMES
)  # fmt: skip

_DATES = (
    Wart("birthdate-future", "cadets", "born next century", "t.birthdate > '2090-01-01' AND t.birthdate < '9999-12-31'",
         ({"birthdate": "2102-04-05"},)),
    Wart("birthdate-null", "cadets", "no birthday", "t.birthdate IS NULL", ({"birthdate": None},)),
    Wart("birthdate-midnight", "cadets", "a DATE that Node moves to the day before, east of Greenwich",
         "t.birthdate = '2003-01-01'", ({"birthdate": "2003-01-01"},)),
    Wart("absent-on-another-day", "excuse_letters", "the day of the letter is not the day that it names",
         "EXISTS (SELECT FROM training_days d WHERE d.id = t.training_day_id AND d.date <> t.date_absent::text)",
         ({"date_absent": "2024-01-01", "training_day_id": HOST},)),
)  # fmt: skip

WARTS = (*_ZONES, *_ORDERS, *_UNLOADABLE, *_DATES)
