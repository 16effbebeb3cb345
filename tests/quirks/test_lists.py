"""Lists: their orders, what they search for, their pages."""

from __future__ import annotations

import pytest

from stack.sample.population import ADMIN
from tests.quirks.front import Front, loads, request


async def test_a_list_without_an_order_is_in_that_of_the_tables_pages(front: Front) -> None:
    """Quirk 4: some lists have no ORDER BY, so a row that was changed moves to their end."""
    before = [row["id"] for row in await front.get("grading/categories")]
    changed = await front.through(request("PUT", "grading/categories/1", ADMIN.user_id, {"description": "moved"}))
    assert changed.status == 200
    after = [row["id"] for row in await front.get("grading/categories")]
    assert before[0] == 1 and after == [*before[1:], 1]


async def test_rows_that_tie_come_as_the_database_finds_them(front: Front) -> None:
    """Quirk 4: others order by columns with ties."""
    days = (await front.get("attendance/days?limit=100"))["data"]
    dates = [day["date"] for day in days]
    assert len(set(dates)) < len(dates)
    statement = "SELECT id FROM training_days ORDER BY date DESC LIMIT 100 OFFSET 0"
    assert [day["id"] for day in days] == [number for (number,) in front.rows(statement)]


async def test_a_search_regards_letter_case_and_takes_a_percent_sign_for_a_letter(front: Front) -> None:
    """Quirk 4: LIKE is case-sensitive."""
    front.cadet("Q4-Like", first_name="Zyxwv")
    found = {name: (await front.get(f"cadets?search={name}"))["total"] for name in ("Zyxw", "zyxw", "q4-", "Zy%25wv")}
    assert found == {"Zyxw": "1", "zyxw": "0", "q4-": "0", "Zy%25wv": "0"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("page=0", "OFFSET must not be negative"),
        ("page=-3", "OFFSET must not be negative"),
        ("page=x", 'invalid input syntax for type bigint: "NaN"'),
        ("limit=-1", "LIMIT must not be negative"),
    ],
)
async def test_a_page_before_the_first_is_a_500(front: Front, query: str, message: str) -> None:
    """Quirk 5: page=0 gives a 500."""
    for target in ("cadets", "attendance/days", "system/audit-logs"):
        answer = await front.both(request("GET", f"{target}?{query}", ADMIN.user_id))
        assert (answer.status, loads(answer)) == (500, {"message": message})


async def test_a_page_is_read_by_parseint_and_a_limit_is_cut_at_100(front: Front) -> None:
    """Quirk 5: parseInt accepts "2abc" in a query as well."""
    answer = await front.get("cadets?page=2abc&limit=1000&includeArchived=true")
    assert (answer["page"], answer["limit"], len(answer["data"])) == (2, 100, 100)
