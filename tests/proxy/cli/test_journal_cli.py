"""`cutover journal …` as an operator types it, against a real control."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from shadow.dualwrite.entry import State
from tests.proxy.cli.test_cli import Ran, run
from tests.proxy.control.journaled import settled, written
from tests.proxy.deployment import OPERATOR, Deployment

Journal = Callable[..., Awaitable[Ran]]


@pytest.fixture
def journal(deployment: Deployment, tmp_path: Path) -> Journal:
    """`cutover journal …` towards the test's control."""

    async def typed(*words: str) -> Ran:
        return await run("journal", *words, cwd=tmp_path, CUTOVER_CONTROL_URL=deployment.url, CUTOVER_TOKEN=OPERATOR)

    return typed


async def state(deployment: Deployment, number: int) -> State:
    (entry,) = await deployment.journal.entries([number])
    return entry.state


async def test_what_needs_a_person_is_seen_at_a_glance_and_in_full(deployment: Deployment, journal: Journal) -> None:
    assert "nobody leads" in (await journal("status")).out
    number = await settled(deployment, "i-1", "cadets/57", State.PARKED)
    page = await journal("status")
    assert (page.status, "attention" in page.out, "cadets/57" in page.out) == (0, True, True)
    assert (await journal("status", "--json")).json["states"]["parked"]["count"] == 1
    assert [entry["number"] for entry in (await journal("list", "--json")).json["entries"]] == [number]
    assert "there is none" in (await journal("list", "--state", "failed")).out
    shown = await journal("show", str(number))
    assert "422" in shown.out and "no such cadet" in shown.out and "s3cret" not in shown.out
    assert (await journal("show", str(number), "--json")).json["answers"]["old"]["status"] == 201


async def test_a_parked_write_is_settled_by_a_person(deployment: Deployment, journal: Journal) -> None:
    number = await settled(deployment, "i-1", "cadets/57", State.PARKED)
    planned = await journal("retry", str(number), "--dry-run")
    assert (planned.status, f"{number} would be done, was parked" in planned.out) == (0, True)
    assert await state(deployment, number) is State.PARKED
    assert (await journal("skip", str(number))).status == 2
    done = await journal("skip", str(number), "--reason", "entered by hand", "--json")
    assert (done.status, done.json["state"]) == (0, "skipped")
    assert await state(deployment, number) is State.SKIPPED
    again = await journal("retry", str(number))
    assert (again.status, "is skipped" in again.err) == (1, True)


async def test_a_heal_names_an_entry_or_a_lane_and_says_why_it_cannot_be(
    deployment: Deployment, journal: Journal
) -> None:
    number = await settled(deployment, "i-1", "cadets/57", State.PARKED)
    resting = await journal("heal", str(number))
    assert (resting.status, "resting" in resting.err) == (1, True)
    await deployment.shadowing()
    planned = await journal("heal", str(number), "--dry-run")
    assert (planned.status, "the rows of cadets/57 would be carried" in planned.out) == (0, True)
    assert (await journal("heal", "cadets", "--dry-run", "--json")).json["lanes"] == ["cadets"]
    wrong = await journal("heal", "cadets/")
    assert (wrong.status, "lane" in wrong.err) == (1, True)


async def test_one_persons_data_is_erased(deployment: Deployment, journal: Journal) -> None:
    number = await settled(deployment, "i-1", "a", State.APPLIED)
    await written(deployment, "i-2", "b")
    erased = await journal("erase", "id:1", "--reason", "asked by letter")
    assert (erased.status, "1 entries erased" in erased.out, "still needed" in erased.out) == (0, True, True)
    (entry,) = await deployment.journal.entries([number])
    assert entry.request is None


@pytest.mark.parametrize("words", [("show", "x"), ("show",), ("retry", "0"), ("list", "--limit", "0"), ("lost",)])
async def test_wrong_words_are_a_mistake_of_use(journal: Journal, words: tuple[str, ...]) -> None:
    assert (await journal(*words)).status == 2


async def test_the_page_of_everything_shows_the_journal(deployment: Deployment, tmp_path: Path) -> None:
    await settled(deployment, "i-1", "cadets/57", State.PARKED)
    page = await run("status", cwd=tmp_path, CUTOVER_CONTROL_URL=deployment.url, CUTOVER_TOKEN=OPERATOR)
    assert "attention: nothing waits (1 parked)" in page.out
