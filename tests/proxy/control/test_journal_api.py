"""The journal as an operator sees and settles it, over the control API and real PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from migration.errors import Unreachable
from proxy.roles.healing import HealsAsked
from shadow.clock import SystemClock
from shadow.dualwrite.admission import Room, Settlement
from shadow.dualwrite.copies import CopySender
from shadow.dualwrite.entry import State
from shadow.dualwrite.resolve import Heal, NoMapping, Resolver
from shadow.dualwrite.sealing import Keyring
from shadow.sender import Target
from tests.proxy.control.journaled import settled, written
from tests.proxy.deployment import VIEWER, Deployment, eventually
from tests.shadow.dualwrite.backends import quiet

ENTRIES = "/api/journal/entries"
Carried = list[tuple[tuple[str, ...], str, str]]


async def state(deployment: Deployment, number: int) -> State:
    (entry,) = await deployment.journal.entries([number])
    return entry.state


@asynccontextmanager
async def a_leader(deployment: Deployment, heal: Heal) -> AsyncIterator[None]:
    """The part of a replayer that heals what a person asks for."""
    both = {name: Target(name, backend.url) for name, backend in deployment.config.backends.items()}
    sender = CopySender(timeout=1, body_limit=1, connections=1)
    heals = HealsAsked(deployment.journal, Resolver(deployment.journal, sender, heal, quiet, both, {}, SystemClock()))
    stop = asyncio.Event()

    async def lead() -> None:
        while not stop.is_set():
            await heals.see_to("new")
            await asyncio.sleep(0.01)

    task = asyncio.create_task(lead())
    yield
    stop.set()
    await task


@pytest.fixture
def carried() -> Carried:
    return []


@pytest.fixture
def heal(carried: Carried) -> Heal:
    class Carry:
        def check(self, lanes: tuple[str, ...]) -> None:
            """All of them have rows."""

        async def __call__(self, lanes: tuple[str, ...], source: str, destination: str, within: float) -> None:
            carried.append((lanes, source, destination))

    return Carry()


# --- looking


async def test_what_waits_is_told_with_its_age_and_nothing_of_it_needs_a_person(deployment: Deployment) -> None:
    await written(deployment, "i-1", "cadets/1", ago=12)
    await written(deployment, "i-2", "cadets/2", ago=5)
    journal = (await deployment.ask("GET", "/api/status", token=VIEWER)).body["journal"]
    assert (journal["alert"], journal["reasons"]) == ("ok", [])
    assert journal["states"]["done"]["count"] == 2
    assert 12 <= journal["lag_seconds"] < 60


async def test_a_standby_that_is_far_behind_is_told_with_what_it_said_last(deployment: Deployment) -> None:
    await written(deployment, "i-1", "cadets/1", ago=60)
    await deployment.shadowing()
    term = await deployment.journal.lead("test", 0, 60) or 1
    now = time.time()
    _, (entry,) = await deployment.journal.turn(term, [], Room(9, ["new"], [], [], [], now, now + 60))
    waits = Settlement(entry.number, "wait", "answered 403: it does not believe it", retry_at=now + 1)
    await deployment.journal.settle(term, [waits])
    (why,) = (await deployment.ask("GET", "/api/status", token=VIEWER)).body["journal"]["reasons"]
    assert why.endswith(" s behind: answered 403: it does not believe it")


async def test_a_refused_write_calls_for_a_person_who_sees_both_answers_without_secrets(
    deployment: Deployment,
) -> None:
    number = await settled(deployment, "i-1", "cadets/57", State.PARKED)
    journal = (await deployment.ask("GET", "/api/journal")).body
    assert journal["alert"] == "attention"
    assert [entry["number"] for entry in journal["needs"]] == [number]
    shown = (await deployment.ask("GET", f"{ENTRIES}/{number}")).body
    assert (shown["state"], shown["lanes"], shown["method"]) == ("parked", ["cadets/57"], "POST")
    assert {name: said["status"] for name, said in shown["answers"].items()} == {"old": 201, "new": 422}
    assert "no such cadet" in shown["answers"]["new"]["body"]
    assert "s3cret" not in str(shown)


async def test_only_the_operator_may_open_an_entry(deployment: Deployment) -> None:
    number = await settled(deployment, "i-1", "cadets/57", State.PARKED)
    assert (await deployment.ask("GET", f"{ENTRIES}/{number}", token=VIEWER)).status == 403


async def test_entries_are_listed_by_state(deployment: Deployment) -> None:
    done = await written(deployment, "i-1", "a")
    unknown = await written(deployment, "i-2", "b", State.UNKNOWN)
    listed = (await deployment.ask("GET", ENTRIES)).body["entries"]
    assert [entry["number"] for entry in listed] == [unknown]
    listed = (await deployment.ask("GET", f"{ENTRIES}?state=done,unknown")).body["entries"]
    assert [entry["number"] for entry in listed] == [unknown, done]
    older = (await deployment.ask("GET", f"{ENTRIES}?state=done,unknown&before={unknown}")).body["entries"]
    assert [entry["number"] for entry in older] == [done]
    assert (await deployment.ask("GET", f"{ENTRIES}?state=lost")).status == 400


async def test_a_difference_stays_to_be_seen_after_the_rows_were_carried(deployment: Deployment) -> None:
    number = await settled(deployment, "i-1", "a", State.APPLIED)
    await settled(deployment, "i-2", "b", State.APPLIED)
    await deployment.sql("UPDATE cutover.journal_entry SET differed = 'another id' WHERE number = 1")
    listed = (await deployment.ask("GET", f"{ENTRIES}?differed=1")).body["entries"]
    assert [(entry["number"], entry["reason"]) for entry in listed] == [(number, "another id")]
    assert (await deployment.ask("GET", f"{ENTRIES}/{number}")).body["differed"] == "another id"


@pytest.mark.parametrize(("number", "status"), [("1", 404), ("x", 400), (str(2**63), 400)])
async def test_a_number_that_nobody_was_given_is_not_found(deployment: Deployment, number: str, status: int) -> None:
    assert (await deployment.ask("GET", f"{ENTRIES}/{number}")).status == status
    assert (await deployment.ask("POST", f"{ENTRIES}/{number}/retry", {})).status == status


async def test_prometheus_sees_what_waits(deployment: Deployment) -> None:
    await settled(deployment, "i-1", "a", State.PARKED)
    await written(deployment, "i-2", "b", ago=9)

    async def published() -> bool:
        text = (await deployment.ask("GET", "/metrics")).body
        lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("cutover_journal"))
        return (
            lines.get('cutover_journal_entries{state="parked"}') == "1.0"
            and lines.get('cutover_journal_entries{state="done"}') == "1.0"
            and float(lines["cutover_journal_lag_seconds"]) >= 9
        )

    await eventually(published)


# --- settling


async def test_a_parked_write_is_sent_again_and_the_history_says_who_wanted_it(deployment: Deployment) -> None:
    number = await settled(deployment, "i-1", "a", State.PARKED)
    path = f"{ENTRIES}/{number}/retry"
    planned = await deployment.ask("POST", f"{path}?dry_run=1", {})
    assert (planned.body["dry_run"], planned.body["was"], planned.body["state"]) == (True, "parked", "done")
    assert await state(deployment, number) is State.PARKED
    assert len(await deployment.store.history()) == 1
    done = await deployment.ask("POST", path, {"reason": "the cadet is there now"}, X_Cutover_Who="ann")
    assert done.status == 200
    assert await state(deployment, number) is State.DONE
    event = (await deployment.store.history())[0]
    assert (event.kind, event.who, event.why) == ("journal retry", "operator ann", "the cadet is there now")
    assert event.evidence["number"] == number


@pytest.mark.parametrize("was", [State.PARKED, State.DIVERGED])
async def test_what_the_standby_may_do_without_is_skipped_with_a_reason(deployment: Deployment, was: State) -> None:
    number = await settled(deployment, "i-1", "a", was)
    assert (await deployment.ask("POST", f"{ENTRIES}/{number}/skip", {})).status == 400
    assert (await deployment.ask("POST", f"{ENTRIES}/{number}/skip", {"reason": "by hand"})).status == 200
    assert await state(deployment, number) is State.SKIPPED
    assert [event.kind for event in await deployment.store.history()] == ["journal skip", "new"]


async def test_what_is_not_parked_is_not_sent_again_and_the_history_stays(deployment: Deployment) -> None:
    number = await settled(deployment, "i-1", "a", State.APPLIED)
    for verb, body in (("retry", {}), ("skip", {"reason": "x"})):
        refused = await deployment.ask("POST", f"{ENTRIES}/{number}/{verb}", body)
        assert (refused.status, refused.body["error"]) == (409, "refused")
        assert "is applied" in refused.body["message"]
    assert len(await deployment.store.history()) == 1


async def test_what_may_have_landed_is_never_sent_again(deployment: Deployment) -> None:
    number = await written(deployment, "i-1", "a", State.UNKNOWN)
    await deployment.journal.park(number, "nobody knows")
    refused = await deployment.ask("POST", f"{ENTRIES}/{number}/retry", {})
    assert refused.status == 409
    assert "make it two" in refused.body["message"]


@pytest.mark.parametrize("was", [State.PARKED, State.DIVERGED])
async def test_an_entry_is_healed_by_the_leader(
    deployment: Deployment, heal: Heal, carried: Carried, was: State
) -> None:
    number = await settled(deployment, "i-1", "cadets/57", was)
    await deployment.shadowing()
    planned = await deployment.ask("POST", f"{ENTRIES}/{number}/heal?dry_run=1", {})
    assert (planned.body["lanes"], carried) == (["cadets/57"], [])
    async with a_leader(deployment, heal):
        healed = await deployment.ask("POST", f"{ENTRIES}/{number}/heal", {"reason": "the rows differ"})
    assert healed.body["healed"] == [number]
    assert carried == [(("cadets/57",), "old", "new")]
    assert await state(deployment, number) is State.HEALED
    assert (await deployment.store.history())[0].kind == "journal heal"


async def test_a_lane_in_which_nothing_is_open_is_healed_all_the_same(
    deployment: Deployment, heal: Heal, carried: Carried
) -> None:
    await deployment.shadowing()
    async with a_leader(deployment, heal):
        healed = await deployment.ask("POST", "/api/journal/heal", {"lane": "cadets"})
    assert (healed.status, healed.body["healed"]) == (200, [])
    assert carried == [(("cadets",), "old", "new")]
    for wrong in ("/cadets", "cadets/", "a//b"):
        assert (await deployment.ask("POST", "/api/journal/heal", {"lane": wrong})).status == 400


async def test_a_heal_without_a_mapping_says_so(deployment: Deployment) -> None:
    number = await settled(deployment, "i-1", "a", State.PARKED)
    await deployment.shadowing()

    class Cannot:
        def check(self, lanes: tuple[str, ...]) -> None:
            raise NoMapping("there is no mapping for a")

        async def __call__(self, lanes: tuple[str, ...], source: str, destination: str, within: float) -> None:
            """Nobody comes so far."""

    async with a_leader(deployment, Cannot()):
        failed = await deployment.ask("POST", f"{ENTRIES}/{number}/heal", {})
    assert (failed.status, "no mapping for a" in failed.body["message"]) == (500, True)
    assert await state(deployment, number) is State.PARKED


@pytest.mark.parametrize("failures", [2, 3])
async def test_a_heal_whose_databases_do_not_answer_is_tried_again_a_few_times(
    deployment: Deployment, failures: int
) -> None:
    number = await settled(deployment, "i-1", "a", State.PARKED)
    await deployment.shadowing()
    left = [Unreachable("not within 2.5 s")] * failures

    class Slow:
        def check(self, lanes: tuple[str, ...]) -> None:
            """All of them have rows."""

        async def __call__(self, lanes: tuple[str, ...], source: str, destination: str, within: float) -> None:
            if left:
                raise left.pop()

    async with a_leader(deployment, Slow()):
        healed = await deployment.ask("POST", f"{ENTRIES}/{number}/heal", {})
    if failures < 3:
        assert healed.body["healed"] == [number]
    else:
        assert (healed.status, "tried 3 times: not within 2.5 s" in healed.body["message"]) == (500, True)
    assert await state(deployment, number) is (State.HEALED if failures < 3 else State.PARKED)


async def test_nothing_is_healed_while_the_release_rests(deployment: Deployment) -> None:
    number = await settled(deployment, "i-1", "a", State.PARKED)
    refused = await deployment.ask("POST", f"{ENTRIES}/{number}/heal", {})
    assert (refused.status, "resting" in refused.body["message"]) == (409, True)


async def test_one_persons_data_is_erased_and_the_history_does_not_name_them(deployment: Deployment) -> None:
    number = await settled(deployment, "i-1", "a", State.APPLIED)
    await written(deployment, "i-2", "b")
    planned = await deployment.ask("POST", "/api/journal/erase?dry_run=1", {"client": "id:1"})
    assert (planned.body["erased"], planned.body["kept"]) == (1, 1)
    assert (await deployment.journal.entries([number]))[0].request is not None
    erased = await deployment.ask("POST", "/api/journal/erase", {"client": "id:1", "reason": "asked by letter"})
    assert (erased.body["erased"], len(erased.body["notes"])) == (1, 1)
    (entry,) = await deployment.journal.entries([number])
    assert (entry.request, entry.client) == (None, None)
    event = (await deployment.store.history())[0]
    assert (event.kind, "id:1" in str(event)) == ("journal erase", False)


# --- starting


async def test_a_release_does_not_start_while_a_key_is_missing(deployment: Deployment) -> None:
    await written(deployment, "i-1", "a")
    deployment.keys = Keyring({"k2": b"2" * 32}, "k2")
    refused = await deployment.ask("POST", "/api/start", {"empty": True})
    assert (refused.status, "k1" in refused.body["message"]) == (409, True)
    assert (await deployment.ask("GET", f"{ENTRIES}/1")).status == 500
    deployment.keys = Keyring({"k2": b"2" * 32, "k1": b"1" * 32}, "k2")
    assert (await deployment.ask("POST", "/api/start", {"empty": True})).status == 200


async def test_a_release_does_not_start_without_the_journals_tables(deployment: Deployment) -> None:
    await deployment.sql("DROP TABLE cutover.journal_position")
    refused = await deployment.ask("POST", "/api/start", {"empty": True})
    assert (refused.status, "journal_position" in refused.body["message"]) == (409, True)
