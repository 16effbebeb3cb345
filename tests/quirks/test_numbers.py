"""Numbers as PostgreSQL's driver hands them over and as JavaScript prints them."""

from __future__ import annotations

import re
from typing import Any

from stack.sample.population import ADMIN
from tests.quirks.front import Front, loads, request

SUBJECT = 3


NUMERIC = re.compile(r"\d+\.\d\d")


DIGITS = re.compile(r"-?\d+")


async def test_a_count_is_a_string_beside_page_and_limit_which_are_numbers(front: Front) -> None:
    """Quirk 1: COUNT arrives as a string."""
    answer = await front.both(request("GET", "cadets?limit=1&includeArchived=true", ADMIN.user_id))
    cadets = front.value("SELECT count(*) FROM cadets")
    assert answer.body.startswith(b'{"page":1,"limit":1,"total":"%d","data":[{"id":' % cadets)


async def test_every_figure_of_the_leaderboard_is_a_string_but_the_rank_is_none(front: Front) -> None:
    """Quirk 1: SUM arrives as a string."""
    leaders = loads(await front.through(request("GET", "grading/leaderboard?limit=90", ADMIN.user_id)))
    assert all(DIGITS.fullmatch(row[name]) for row in leaders for name in ("merits", "demerits", "points"))
    assert [row["rank"] for row in leaders] == list(range(1, 91))


async def test_the_summary_has_strings_for_what_was_counted_and_numbers_for_what_was_computed(front: Front) -> None:
    """Quirk 1: COUNT, SUM and NUMERIC are strings and the doubles made of them are not."""
    summary = await front.get("grading/cadets/5/summary")
    assert all(DIGITS.fullmatch(summary[name]) for name in ("present", "trainingDays", "merits", "demerits"))
    assert all(NUMERIC.fullmatch(summary[name]) for name in ("prelim", "midterm", "final"))
    assert isinstance(summary["finalGrade"], int | float)


async def test_a_size_beyond_32_bits_and_the_id_of_an_audit_row_are_strings(front: Front) -> None:
    """Quirk 1: BIGINT arrives as a string."""
    sizes = [row["size"] for row in (await front.get("files?limit=100"))["data"]]
    assert "1048576" in sizes and any(size and int(size) > 1 << 32 for size in sizes)
    assert all(size is None or DIGITS.fullmatch(size) for size in sizes)
    ids = [row["id"] for row in (await front.get("system/audit-logs"))["data"]]
    assert ids == [str(number) for (number,) in front.rows("SELECT id FROM audit_logs ORDER BY id DESC LIMIT 20")]


async def test_a_score_keeps_its_two_decimals_inside_a_string(front: Front) -> None:
    """Quirk 1: NUMERIC arrives as a string, as the column stores it."""
    front.rows("UPDATE grades SET score = 92.5 WHERE cadet_id = 6 AND term = 'prelim' RETURNING id")
    answer = await front.both(request("GET", "grading/grades?cadetId=6&term=prelim", ADMIN.user_id))
    assert b'"score":"92.50","max_score":"100.00"' in answer.body
    assert (
        b'"name":"Subject proficiency","weight":"40.00"'
        in (await front.both(request("GET", "grading/categories", ADMIN.user_id))).body
    )


def javascript(number: float) -> str:
    """A double as JSON.stringify prints it, for the sizes that grades have."""
    return str(int(number)) if number.is_integer() else repr(number)


def graded(summary: dict[str, Any]) -> str:
    """The end of the summary's body, computed in doubles in the order that the contract gives."""
    present, days, merits, demerits = (int(summary[name]) for name in ("present", "trainingDays", "merits", "demerits"))
    prelim, midterm, final = (float(summary[name] or 0) for name in ("prelim", "midterm", "final"))
    attendance = 0.0 if days == 0 else (present / days) * 30
    aptitude = float(max(0, min(100, (100 + merits) - demerits))) * 0.3
    subject = (((prelim + midterm) + final) / 300) * 40
    figures = {
        "attendanceScore": attendance, "aptitudeScore": aptitude, "subjectScore": subject,
        "finalGrade": (attendance + aptitude) + subject,
    }  # fmt: skip
    return ",".join(f'"{name}":{javascript(figure)}' for name, figure in figures.items())


async def test_every_summary_prints_the_doubles_that_the_order_of_operations_gives(front: Front) -> None:
    """Quirk 2: the order of double operations is part of the contract, and so is how JavaScript prints the result."""
    for cadet in range(1, 61):
        answer = await front.both(request("GET", f"grading/cadets/{cadet}/summary", ADMIN.user_id))
        assert f",{graded(loads(answer))}," in answer.body.decode()


async def test_a_last_digit_tells_the_order_of_the_operations(front: Front) -> None:
    """Quirk 2: another order of the same operations gives another last digit."""
    cadet = front.cadet("Q2-order")
    for term, score in (("prelim", "55.70"), ("midterm", "56.30"), ("final", "57.90")):
        front.rows("INSERT INTO grades (cadet_id, category_id, term, score) VALUES (%s, %s, %s, %s) RETURNING id",
                   cadet, SUBJECT, term, score)  # fmt: skip
    answer = await front.both(request("GET", f"grading/cadets/{cadet}/summary", ADMIN.user_id))
    assert b'"subjectScore":22.653333333333336,' in answer.body
    assert ((55.7 + 56.3 + 57.9) * 40) / 300 != 22.653333333333336 != ((57.9 + 56.3 + 55.7) / 300) * 40


async def test_a_whole_number_has_no_point_and_no_zero(front: Front) -> None:
    """Quirk 2: JS prints 20 where Python prints 20.0."""
    cadet = front.cadet("Q2-whole")
    empty = await front.both(request("GET", f"grading/cadets/{cadet}/summary", ADMIN.user_id))
    assert empty.body.endswith(
        b'"attendanceScore":0,"aptitudeScore":30,"subjectScore":0,"finalGrade":30,"transmutedGrade":"5.00"}'
    )
    front.rows("INSERT INTO attendance (training_day_id, cadet_id, status) SELECT id, %s, 'present' FROM training_days "
               "RETURNING id", cadet)  # fmt: skip
    for term in ("prelim", "midterm", "final"):
        front.rows("INSERT INTO grades (cadet_id, category_id, term, score) VALUES (%s, %s, %s, 100) RETURNING id",
                   cadet, SUBJECT, term)  # fmt: skip
    full = await front.both(request("GET", f"grading/cadets/{cadet}/summary", ADMIN.user_id))
    assert full.body.endswith(
        b'"attendanceScore":30,"aptitudeScore":30,"subjectScore":40,"finalGrade":100,"transmutedGrade":"1.00"}'
    )
