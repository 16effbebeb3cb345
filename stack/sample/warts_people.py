"""Warts of cadets and staff, and of training: flags, unvalidated dates, times of day, marks and letters."""

from __future__ import annotations

from stack.sample.wart import HOST, Wart

_ANOTHER_DAY = "EXISTS (SELECT FROM training_days o WHERE o.id <> t.id AND {})"
_REAL_DATE = "'^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'"

_CADETS = (
    Wart("year-level-text", "cadets", "a year that is a text", "t.year_level = '2nd Year'",
         ({"year_level": "2nd Year"},)),
    Wart("year-level-typed", "cadets", "the same year as others type it", "t.year_level IN ('2', 'II', '2nd year ')",
         ({"year_level": "2"}, {"year_level": "II"})),
    Wart("status-verified", "cadets", "a status outside the list of the UI", "t.status = 'Verified'",
         ({"status": "Verified"},)),
    Wart("status-null", "cadets", "no status, in spite of the default", "t.status IS NULL", ({"status": None},)),
    Wart("status-case", "cadets", "a status in another case", "t.status <> 'Ongoing' AND lower(t.status) = 'ongoing'",
         ({"status": "ONGOING"},)),
    Wart("archived-null", "cadets", "from before there were archives: counts as not archived", "t.is_archived IS NULL",
         ({"is_archived": None},)),
    Wart("company-space", "cadets", "a company that no filter finds", "t.company <> btrim(t.company)",
         ({"company": "Alpha "},)),
    Wart("cadet-without-account", "cadets", "a cadet who cannot log in",
         "NOT EXISTS (SELECT FROM users u WHERE u.cadet_id = t.id)", ({},)),
    Wart("ids-in-gaps", "cadets", "the id before was never used or was deleted",
         "NOT EXISTS (SELECT FROM cadets o WHERE o.id = t.id - 1) "
         "AND EXISTS (SELECT FROM cadets o WHERE o.id < t.id)", ({},)),
    Wart("id-zero", "cadets", "an id that programs take for none", "t.id = 0", ({"id": 0},)),
    Wart("id-negative", "cadets", "an id below zero", "t.id < 0", ({"id": -1},)),
)  # fmt: skip

_STAFF = (
    Wart("staff-email-null", "staff", "no address, many times, in a unique column", "t.email IS NULL",
         ({"email": None}, {"email": None})),
    Wart("staff-email-empty", "staff", "'' in a unique column: there can be one", "t.email = ''", ({"email": ""},)),
    Wart("staff-email-case", "staff", "addresses that a plain unique index tells apart and a lower() one does not",
         "EXISTS (SELECT FROM staff o WHERE o.email <> t.email AND lower(o.email) = lower(t.email))",
         ({"email": "Sgt@odd.example"}, {"email": "sgt@odd.example"})),
    Wart("staff-birthdate-words", "staff", "a birthday in words", "t.birthdate ~ '^[A-Z][a-z]+ [0-9]'",
         ({"birthdate": "February 30, 1980"},)),
    Wart("staff-birthdate-slashes", "staff", "a birthday that two countries read differently",
         "t.birthdate ~ '^[0-9]+/[0-9]+/[0-9]+$'", ({"birthdate": "03/04/1980"},)),
    Wart("staff-birthdate-empty", "staff", "'' for a birthday", "t.birthdate = ''", ({"birthdate": ""},)),
    Wart("staff-age", "staff", "an age below zero", "t.age < 0", ({"age": -1},)),
    Wart("staff-height", "staff", "a height in feet and inches", "t.height LIKE '%''%'", ({"height": "5'7\""},)),
    Wart("staff-namesakes", "staff", "ties in the order of the list",
         "EXISTS (SELECT FROM staff o WHERE o.id <> t.id "
         "AND (o.last_name, o.first_name) = (t.last_name, t.first_name))",
         ({"last_name": "Odd-Reyes"}, {"last_name": "Odd-Reyes"})),
)  # fmt: skip

_DAYS = (
    Wart("day-twice", "training_days", "two days of one date", _ANOTHER_DAY.format("o.date = t.date"),
         ({"date": "2024-11-30"}, {"date": "2024-11-30"})),
    Wart("day-without-zero", "training_days", "a date without its zeros, which orders as text elsewhere",
         "t.date ~ '^[0-9]{4}-[0-9]-'", ({"date": "2024-9-7"},)),
    Wart("day-impossible", "training_days", "a date that there is not", "t.date IN ('2024-02-30', '2024-13-45')",
         ({"date": "2024-02-30"}, {"date": "2024-13-45"})),
    Wart("day-other-form", "training_days", "a date in another form", f"t.date <> '' AND t.date !~ {_REAL_DATE}",
         ({"date": "08/03/2024"}, {"date": "TBA"})),
    Wart("day-with-time", "training_days", "a date with a time and a zone", "t.date LIKE '%T%Z'",
         ({"date": "2024-08-03T00:00:00.000Z"},)),
    Wart("day-empty", "training_days", "'' for a date that may not be NULL", "t.date = ''", ({"date": ""},)),
    Wart("title-empty", "training_days", "'' for a title that may not be NULL", "t.title = ''", ({"title": ""},)),
)  # fmt: skip


def _time(name: str, what: str, text: str | None, where: str, cadet: int) -> Wart:
    return Wart(name, "attendance", what, where, ({"cadet_id": cadet, "time_in": text},))


_MARKS = (
    _time("time-with-seconds", "a time of day as a text", "7:55:10 AM", "t.time_in = '7:55:10 AM'", 11),
    _time("time-24", "a time of day without AM", "07:55", "t.time_in ~ '^[0-9]{2}:[0-9]{2}$'", 12),
    _time("time-midnight", "an hour that few programs know", "24:00:00", "t.time_in = '24:00:00'", 13),
    _time("time-empty", "'' for a time", "", "t.time_in = ''", 14),
    _time("time-narrow-space", "the space that newer Node puts before AM", "7:55:10\u202fAM",
          r"t.time_in LIKE E'%\u202f%'", 15),
    _time("time-words", "words for a time", "after lunch", "t.time_in ~ '^[a-z ]+$'", 16),
    Wart("out-before-in", "attendance", "left before coming", "t.time_in = '4:00:00 PM' AND t.time_out LIKE '% AM'",
         ({"cadet_id": 17, "time_in": "4:00:00 PM", "time_out": "8:00:00 AM"},)),
    Wart("absent-with-time", "attendance", "absent, and came at eight", "t.status = 'absent' AND t.time_in <> ''",
         ({"cadet_id": 18, "status": "absent", "time_in": "8:00:00 AM"},)),
    Wart("remarks-empty", "attendance", "'' where another row has NULL", "t.remarks = ''",
         ({"cadet_id": 19, "remarks": ""},)),
    Wart("staff-time", "staff_attendance", "the same text for staff", "t.time_in = '7:55:10 AM'",
         ({"staff_id": 1, "time_in": "7:55:10 AM"},)),
    Wart("day-without-marks", "training_days", "a day that nobody was marked on",
         "NOT EXISTS (SELECT FROM attendance a WHERE a.training_day_id = t.id)", ({"date": "2024-12-14"},)),
)  # fmt: skip

_LETTERS = (
    Wart("letter-without-cadet", "excuse_letters", "nobody's letter", "t.cadet_id IS NULL", ({"cadet_id": None},)),
    Wart("letter-without-day", "excuse_letters", "a letter for no day", "t.training_day_id IS NULL",
         ({"training_day_id": None},)),
    Wart("letter-status", "excuse_letters", "a status that nothing checks",
         "t.status NOT IN ('pending', 'approved', 'rejected')", ({"status": "Cancelled"},)),
    Wart("letter-status-null", "excuse_letters", "no status", "t.status IS NULL", ({"status": None},)),
    Wart("letter-twice", "excuse_letters", "two letters of one cadet for one day",
         "EXISTS (SELECT FROM excuse_letters o WHERE o.id <> t.id AND "
         "(o.cadet_id, o.training_day_id) = (t.cadet_id, t.training_day_id))",
         ({"cadet_id": HOST}, {"cadet_id": HOST})),
)  # fmt: skip

WARTS = (*_CADETS, *_STAFF, *_DAYS, *_MARKS, *_LETTERS)
