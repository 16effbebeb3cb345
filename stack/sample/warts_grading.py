"""Warts of grades, merits and activities: numbers beyond their meaning, NULLs in unique columns, JSON inside a text."""

from __future__ import annotations

from stack.sample.wart import HOST, MOMENT, Wart

_GRADE = "EXISTS (SELECT FROM grades o WHERE o.id <> t.id AND {})"
_CATEGORY = "EXISTS (SELECT FROM grade_categories o WHERE o.id <> t.id AND {})"

_CATEGORIES = (
    Wart("category-space", "grade_categories", "almost the name that the summary looks for",
         "t.name <> 'Subject proficiency' AND btrim(lower(t.name)) = 'subject proficiency'",
         ({"name": "Subject proficiency "}, {"name": "subject proficiency"})),
    Wart("category-case", "grade_categories", "names that differ in case only",
         _CATEGORY.format("lower(o.name) = lower(t.name)"), ({"name": "Odd drill"}, {"name": "ODD DRILL"})),
    Wart("weight-nan", "grade_categories", "a weight that is not a number", "t.weight = 'NaN'", ({"weight": "NaN"},)),
    Wart("weight-zero", "grade_categories", "a weight of nothing", "t.weight = 0", ({"weight": "0"},)),
    Wart("weight-negative", "grade_categories", "a weight below zero", "t.weight < 0", ({"weight": "-5"},)),
    Wart("category-unused", "grade_categories", "a category without grades",
         "NOT EXISTS (SELECT FROM grades g WHERE g.category_id = t.id)", ({},)),
)  # fmt: skip

_GRADES = (
    Wart("score-nan", "grades", "a score that is not a number", "t.score = 'NaN'", ({"score": "NaN"},)),
    Wart("score-negative", "grades", "a score below zero", "t.score < 0", ({"score": "-0.01"},)),
    Wart("score-beyond", "grades", "more than the most that there is", "t.score > t.max_score AND t.score <> 'NaN'",
         ({"score": "120.00", "max_score": "100"},)),
    Wart("score-widest", "grades", "the largest number that the column takes", "t.score = 9999.99",
         ({"score": "9999.99"},)),
    Wart("score-rounded", "grades", "a third digit that the column rounded away", "t.score = 12.35",
         ({"score": "12.345"},)),
    Wart("score-half", "grades", "one hundredth below a band", "t.score = 74.99", ({"score": "74.99"},)),
    Wart("max-zero", "grades", "out of nothing", "t.max_score = 0", ({"max_score": "0"},)),
    Wart("term-null", "grades", "twice the same cadet and category without a term: UNIQUE sees no NULLs",
         "t.term IS NULL AND " + _GRADE.format("o.term IS NULL AND (o.cadet_id, o.category_id) = "
                                                  "(t.cadet_id, t.category_id)"),
         ({"term": None}, {"term": None})),
    Wart("term-unknown", "grades", "a term that nothing checks", "t.term NOT IN ('prelim', 'midterm', 'final')",
         ({"term": "Finals"},)),
    Wart("status-inc", "grades", "a status in place of a grade", "t.status = 'INC'", ({"status": "INC"},)),
    Wart("status-do", "grades", "dropped out", "t.status = 'DO'", ({"status": "DO"},)),
    Wart("status-t", "grades", "transferred", "t.status = 'T'", ({"status": "T"},)),
    Wart("status-small", "grades", "a status that is almost one", "t.status = 'inc'", ({"status": "inc"},)),
    Wart("grade-status-null", "grades", "no status", "t.status IS NULL", ({"status": None},)),
    Wart("grader-gone", "grades", "the account that graded was deleted", "t.graded_by IS NULL",
         ({"graded_by": None},)),
)  # fmt: skip

_MERITS = (
    Wart("points-negative", "merit_demerit_logs", "a merit that takes away", "t.points < 0", ({"points": -5},)),
    Wart("points-zero", "merit_demerit_logs", "a merit of nothing", "t.points = 0", ({"points": 0},)),
    Wart("points-widest", "merit_demerit_logs", "more points than 32 bits can sum up", "t.points = 2147483647",
         ({"type": "demerit", "points": 2147483647}, {"type": "demerit", "points": 2147483647})),
    Wart("merit-not-audited", "merit_demerit_logs", "from before the trigger: nobody audited it",
         "NOT EXISTS (SELECT FROM audit_logs a WHERE a.table_name = 'merit_demerit_logs' AND a.record_id = t.id::text)",
         ({},)),
    Wart("issuer-name-only", "merit_demerit_logs", "a name, and no account", "t.issued_by IS NULL AND "
         "t.issued_by_name <> ''", ({"issued_by_name": "Sgt Abad (ret.)"},)),
    Wart("merit-time-null", "merit_demerit_logs", "no time in a column with a default", "t.date_recorded IS NULL",
         ({"date_recorded": None},)),
    Wart("merit-tie", "merit_demerit_logs", "a tie in the order of the list",
         "EXISTS (SELECT FROM merit_demerit_logs o WHERE o.id <> t.id AND o.date_recorded = t.date_recorded)",
         ({"date_recorded": MOMENT}, {"date_recorded": MOMENT})),
)  # fmt: skip


def _images(name: str, what: str, text: str | None, where: str) -> Wart:
    return Wart(f"images-{name}", "activities", what, where, ({"images": text},))


_ACTIVITIES = (
    _images("array", "a JSON array held as a text", '["/uploads/a.jpg","/uploads/b.jpg"]',
            r"""t.images ~ '^\[".*"\]$'"""),
    _images("empty-array", "an array without images", "[]", "t.images = '[]'"),
    _images("null-text", "the text of JSON null", "null", "t.images = 'null'"),
    _images("null", "no text at all", None, "t.images IS NULL"),
    _images("empty", "'' where JSON should be", "", "t.images = ''"),
    _images("twice", "an array that was encoded twice", r'"[\"/uploads/a.jpg\"]"', "t.images LIKE '\"[%'"),
    _images("broken", "JSON that was cut off", '["/uploads/a.jpg', "t.images LIKE '[%' AND t.images NOT LIKE '%]'"),
    _images("bare", "a URL without any JSON", "/uploads/a.jpg", "t.images LIKE '/%'"),
    Wart("activity-date-words", "activities", "a date in words", "t.date ~ '^[A-Z][a-z]+ [0-9]'",
         ({"date": "August 03, 2024"},)),
    Wart("activity-date-null", "activities", "no date: first in the list", "t.date IS NULL", ({"date": None},)),
    Wart("activity-date-tie", "activities", "a tie in the order of the list",
         "EXISTS (SELECT FROM activities o WHERE o.id <> t.id AND o.date = t.date)",
         ({"date": "2024-12-24"}, {"date": "2024-12-24"})),
    Wart("activity-type", "activities", "a type outside the list", "t.type NOT IN ('activity', 'announcement')",
         ({"type": "Event"},)),
    Wart("creator-gone", "activities", "the account that made it was deleted", "t.created_by IS NULL",
         ({"created_by": None},)),
    Wart("nobody-takes-part", "activities", "no participants",
         "NOT EXISTS (SELECT FROM activity_cadets p WHERE p.activity_id = t.id)", ({},)),
    Wart("archived-participant", "activity_cadets", "a table without an id; who takes part is archived",
         "EXISTS (SELECT FROM cadets c WHERE c.id = t.cadet_id AND c.is_archived)",
         ({"activity_id": HOST, "cadet_id": 290},)),
)  # fmt: skip

WARTS = (*_CATEGORIES, *_GRADES, *_MERITS, *_ACTIVITIES)
