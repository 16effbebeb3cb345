"""The whole API under load: every operation by every role that uses it, on the real legacy backend."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import psycopg
import pytest
from aiohttp import web

from stack.cast import Cast
from stack.coverage import coverage_table
from stack.exchange import Exchange
from stack.generator import WHOLE, LoadGenerator
from stack.operations import OPERATIONS, WEBSOCKET, operation_of
from stack.paths import ROOT
from stack.request import Request, Upload, form
from stack.whole.actor import Actor, Open, Opened, Step
from stack.whole.bad import MISTAKES, bad_request
from stack.whole.errands import ERRANDS, MEAN_STEPS, errands
from tests.stack.conftest import RealNode, Serve
from tests.stack.settings import SECRET


def contract() -> Iterator[str]:
    """The operations that the documents name: the first cells of their tables."""
    for line in (ROOT / "docs" / "api.md").read_text().splitlines():
        if line.startswith("| `"):
            for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) ([^`?]+)[^`]*`", line.split(" | ")[0]):
                yield f"{method} {path}"
    for path in re.findall(r"^\| `(/ws/[^`]+)`", (ROOT / "docs" / "websockets.md").read_text(), re.MULTILINE):
        yield f"{WEBSOCKET} {path}"


def generator(url: str, **options: Any) -> LoadGenerator:
    """A generator of the whole profile with people who hardly think."""
    return LoadGenerator(url, jwt_secret=SECRET, profile=WHOLE, **{"think": 0.02, "rate": 90, **options})


async def run(load: LoadGenerator, seconds: float) -> dict[str, Any]:
    """Let it send for a while; its counts."""
    await load.start()
    await asyncio.sleep(seconds)
    await load.stop()
    return load.snapshot()


def stored(database: str) -> dict[str, Any]:
    """What the targets of the load hold, by the names that it gives them."""
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT 'cadets/' || id, address FROM cadets UNION ALL SELECT 'grades/' || id, remarks FROM grades "
            "UNION ALL SELECT 'user_settings/' || user_id, primary_color FROM user_settings "
            "UNION ALL SELECT 'attendance/' || training_day_id || '/' || cadet_id, remarks FROM attendance"
        ).fetchall()
    return dict(rows)


def test_the_load_knows_every_operation_of_the_contract_and_no_other() -> None:
    named = list(contract())
    assert len(named) == len(set(named)) > 80
    assert set(OPERATIONS) == set(named)


def test_a_path_is_told_from_the_ones_that_look_like_it() -> None:
    assert operation_of("GET", "/api/v1/cadets/me") == "GET cadets/me"
    assert operation_of("GET", "/api/v1/cadets/7") == "GET cadets/{id}"
    assert operation_of("PUT", "/api/v1/messaging/notifications/read-all") == "PUT messaging/notifications/read-all"
    assert operation_of("GET", "/uploads/a.txt") == "GET /uploads/{name}"
    assert operation_of("GET", "/api/v1/no/such/thing") == "GET /api/v1/no/such/thing"


@pytest.mark.timeout(90)
async def test_every_operation_is_answered_well_for_every_role_and_no_acknowledged_write_is_lost(
    real_node: RealNode,
) -> None:
    load = generator(real_node.url)
    await load.start()
    deadline = time.monotonic() + 60
    while load.coverage.missing() and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    await load.stop()
    counted = load.snapshot()
    assert load.coverage.missing() == []
    assert counted["unexpected"] == 0, list(load.tally.surprises)
    assert set(counted["coverage"]) >= set(OPERATIONS)
    assert counted["acknowledged_writes"] > 20
    assert load.acknowledged.lost(stored(real_node.database)) == []
    kinds = {target.split("/")[0] for target in load.acknowledged.targets()}
    assert kinds == {"cadets", "grades", "attendance", "user_settings"}


async def test_the_share_of_bad_input_is_as_asked_for(real_node: RealNode) -> None:
    load = generator(real_node.url, bad_share=0.4, rate=90, seed=2)
    counted = await run(load, 3)
    assert counted["unexpected"] == 0, list(load.tally.surprises)
    frames = counted["classes"]["frame"] + counted["classes"]["1xx"]
    assert counted["bad_input"] / (counted["sent"] - frames) == pytest.approx(0.4, abs=0.1)


async def test_a_second_run_of_the_same_seed_finds_what_the_first_left_and_goes_on(real_node: RealNode) -> None:
    for _ in range(2):
        load = generator(real_node.url, seed=3)
        counted = await run(load, 2)
        assert counted["unexpected"] == 0, list(load.tally.surprises)


async def test_every_mistake_is_refused_or_answered_without_harm(real_node: RealNode) -> None:
    exchange = Exchange(real_node.url, None, 10)
    me = next(errands(1, Cast(SECRET)))[2]
    wrong = []
    for make in MISTAKES:
        outcome = await exchange.send(make(me))
        wrong += [outcome.surprise] if outcome.surprise else []
    await exchange.close()
    assert wrong == []


async def test_every_socket_is_opened_heard_on_and_closed_to_old_tokens_for_every_role(real_node: RealNode) -> None:
    load = generator(real_node.url)
    await load.start()
    sockets = [errand for errand in ERRANDS if errand.name in {"chat", "listening"}]
    cast = Cast(SECRET)
    for errand in sockets:
        for role in errand.roles:
            me = Actor(cast.of_role(role)[0], cast, next(errands(5, cast))[2].rng, f"socket-{role}")
            await load._walker.walk(errand.walk(me), me, time.monotonic())
    counted = load.snapshot()
    await load.stop()
    assert counted["unexpected"] == 0, list(load.tally.surprises)
    for name in OPERATIONS:
        if name.startswith(WEBSOCKET):
            for role in OPERATIONS[name].roles:
                assert counted["coverage"][name][role]["1xx"] > 0
    heard = [kinds.get("frame", 0) for kinds in counted["coverage"]["WS /ws/chat/{room_id}/"].values()]
    assert sum(heard) >= 5 * 3
    assert all(counted["coverage"]["WS /ws/updates/"][role]["4xx"] > 0 for role in OPERATIONS["WS /ws/updates/"].roles)


async def test_an_answer_without_what_the_errand_needs_is_counted_as_wrong(serve: Serve) -> None:
    async def empty(_: web.Request) -> web.Response:
        return web.json_response([])

    counted = await run(generator(await serve(empty), bad_share=0), 1)
    assert counted["unexpected"] > 2
    assert counted["classes"]["2xx"] > 20


def canned(step: Step) -> Any:
    """An answer that satisfies every errand, so that errands can be walked without a backend."""
    if isinstance(step, list):
        return [canned(request) for request in step]
    if isinstance(step, Open):
        return Opened(0, step.operation, step.client.role)
    row = {
        "id": 7, "token": "t", "user_id": 1, "cadet_id": 7, "student_id": "s", "status": "completed",
        "url": "/uploads/x", "message": "m", "name": "n",
    }  # fmt: skip
    if isinstance(step, Request) and step.operation == "GET attendance/days/{id}/records":
        return [row] * 40
    return {**row, "data": [row]}


def walked(seed: int, number: int) -> list[tuple[str, list[Any]]]:
    """The steps of so many errands."""
    result = []
    for name, journey, me in islice(errands(seed, Cast(SECRET)), number):
        steps: list[Any] = [me.client.user_id]
        answer = None
        while True:
            try:
                step = journey.send(answer)
            except StopIteration:
                break
            for one in step if isinstance(step, list) else [step]:
                is_request = isinstance(one, Request)
                steps.append((one.method, one.path, one.params, one.payload()) if is_request else type(one))
            answer = canned(step)
        result.append((name, steps))
    return result


def test_the_same_seed_runs_the_same_errands() -> None:
    assert walked(1, 150) == walked(1, 150)
    assert walked(1, 20) != walked(2, 20)


def test_the_same_seed_makes_the_same_mistakes() -> None:
    def mistakes() -> list[tuple[str, str, Any]]:
        people = islice(errands(1, Cast(SECRET)), 200)
        return [(wrong.method, wrong.path, wrong.body) for wrong in (bad_request(me) for _, _, me in people)]

    assert mistakes() == mistakes()


def test_the_first_round_has_every_errand_for_each_of_its_roles() -> None:
    pairs = {f"{errand.name} of {role}" for errand in ERRANDS for role in errand.roles}
    first = [name for name, _, _ in islice(errands(9, Cast(SECRET)), len(pairs))]
    assert len(first) == len(set(first))
    assert set(first) == pairs


def test_errands_are_about_as_long_as_their_list_says() -> None:
    lengths: dict[str, int] = {}
    for name, steps in walked(4, 90):
        lengths[name.split(" of ")[0]] = len(steps) - 1
    for errand in ERRANDS:
        assert lengths[errand.name] == pytest.approx(errand.steps, abs=4), errand.name


def test_the_rate_of_errands_makes_the_rate_of_requests_that_was_asked_for() -> None:
    sent = [len(steps) - 1 for _, steps in walked(4, 800)]
    assert sum(sent) / len(sent) == pytest.approx(MEAN_STEPS, rel=0.1)


def test_the_same_form_is_the_same_bytes_and_another_one_is_not() -> None:
    def made(text: str) -> bytes:
        return form({"note": text}, [("file", Upload("Año.txt", b"\r\n\0", "text/plain"))]).data

    assert made("a") == made("a") != made("b")
    assert 'filename="Año.txt"'.encode() in made("a")


def test_the_table_of_coverage_has_a_row_for_every_operation_even_if_nothing_was_sent() -> None:
    assert coverage_table(generator("http://x").snapshot()["coverage"]).row_count == len(OPERATIONS)
