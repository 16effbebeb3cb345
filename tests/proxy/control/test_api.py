"""The control API as an operator meets it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import aiohttp
import psycopg
import pytest
from aiohttp import web
from jsonschema import Draft202012Validator

from proxy.config import parse
from proxy.control.api import Api
from proxy.control.auth import Tokens
from proxy.control.openapi import document
from proxy.health import HealthProbe
from proxy.state import ControlState, GuardState
from proxy.store import Beat, Store
from shadow.compare.summary import GroupKey, Judged, Mismatch
from shadow.compare.verdict import Verdict
from shadow.compare.walk import Kind
from tests.proxy.deployment import OPERATOR, TEXT, VIEWER, Deployment, eventually

CHANGES = [
    ("PUT", "/api/weight", {"share": 5}),
    ("PUT", "/api/pins", {"key": "42", "backend": "new"}),
    ("DELETE", "/api/pins", {"key": "42"}),
    ("POST", "/api/start", {"empty": True}),
    ("POST", "/api/stop", {}),
    ("POST", "/api/rearm", {"reason": "mended"}),
    ("POST", "/api/journal/entries/1/retry", {}),
    ("POST", "/api/journal/entries/1/skip", {"reason": "done by hand"}),
    ("POST", "/api/journal/entries/1/heal", {}),
    ("POST", "/api/journal/heal", {"lane": "items/1"}),
    ("POST", "/api/journal/erase", {"client": "id:1"}),
]
LOOKS = ["/api/status", "/api/history", "/api/diffs", "/api/pins", "/api/config", "/api/openapi.json"]
LOOKS += ["/api/journal", "/api/journal/entries"]


# --- who may come in


@pytest.mark.parametrize("token", [None, "", "wrong", VIEWER[:-1], f"{OPERATOR} "[:-2]])
async def test_nobody_comes_in_without_a_valid_token(deployment: Deployment, token: str | None) -> None:
    for path in LOOKS:
        answer = await deployment.ask("GET", path, token=token)
        assert (answer.status, answer.body["error"]) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    for method, path, body in CHANGES:
        assert (await deployment.ask(method, path, body, token=token)).status == 401
    assert len(await deployment.store.history()) == 1


async def test_a_viewer_may_look_and_change_nothing(deployment: Deployment) -> None:
    for path in LOOKS:
        assert (await deployment.ask("GET", path, token=VIEWER)).status == 200
    for method, path, body in CHANGES:
        answer = await deployment.ask(method, path, body, token=VIEWER)
        assert (answer.status, answer.body["error"]) == (403, "forbidden")
    assert len(await deployment.store.history()) == 1


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
async def test_the_machines_need_no_token(deployment: Deployment, path: str) -> None:
    assert (await deployment.ask("GET", path, token=None)).status == 200


async def test_metrics_show_the_state_and_the_mirror(deployment: Deployment) -> None:
    text = (await deployment.ask("GET", "/metrics", token=None)).body
    assert 'cutover_active{backend="old"} 1.0' in text
    assert "cutover_epoch 1.0" in text
    assert "# TYPE cutover_mirror_total counter" in text


# --- looking


async def test_the_status_of_a_new_deployment_says_that_it_rests(deployment: Deployment) -> None:
    await deployment.until_health(old=True, new=True)
    answer = await deployment.ask("GET", "/api/status")
    state = answer.body["state"]
    assert (state["phase"], state["active"], state["standby"]) == ("resting", "old", "new")
    assert state["weights"] == {"old": 100, "new": 0}
    assert answer.headers["ETag"] == '"1"'
    assert answer.body["mirror"]["compared"] == 0


async def test_the_status_tells_which_edges_live_and_what_was_held_home(deployment: Deployment) -> None:
    await deployment.store.beat(Beat("edge-1", 1, {"old": 30, "new": 10}, {"unhealthy": 2}))
    await deployment.store.beat(Beat("edge-2", 0, {"old": 60}, {"unhealthy": 1, "pending": 4}))
    status = (await deployment.ask("GET", "/api/status")).body
    assert status["effective"] == {
        "seconds": 60, "reads": 100, "weights": {"old": 90, "new": 10}, "held_home": {"unhealthy": 3, "pending": 4}
    }  # fmt: skip
    assert [(edge["id"], edge["alive"], edge["agrees"]) for edge in status["edges"]] == [
        ("edge-1", True, True),
        ("edge-2", True, False),
    ]


async def test_the_status_tells_what_the_guard_waits_for(deployment: Deployment) -> None:
    await deployment.shadowing()
    await deployment.ask("PUT", "/api/weight", {"share": 25})
    await asyncio.sleep(1.1)  # the second in which the first share was given is not judged
    await deployment.count("new", 3, 0)

    async def said() -> bool:
        return "17 more" in (await deployment.ask("GET", "/api/status")).body["guard"]["last"]["reason"]

    await eventually(said)
    status = (await deployment.ask("GET", "/api/status")).body
    assert status["guard"]["state"] == "inconclusive"
    assert "17 more requests are needed" in status["guard"]["last"]["reason"]


async def test_differences_are_listed_and_shown_one_by_one(deployment: Deployment) -> None:
    key = GroupKey("GET /items", "$.total", Kind("value"))
    deployment.ledger.record(Judged(1.0, "GET /items", Verdict.MISMATCHED, mismatches=(Mismatch(key),)))
    deployment.ledger.record(Judged(2.0, "GET /other", Verdict.MATCHED))
    await deployment.ledger.flush()
    listed = (await deployment.ask("GET", "/api/diffs")).body
    assert [(diff["route"], diff["pattern"], diff["count"]) for diff in listed["diffs"]] == [
        ("GET /items", "$.total", 1)
    ]
    assert [totals["route"] for totals in listed["routes"]] == ["GET /items", "GET /other"]
    assert (await deployment.ask("GET", "/api/diffs?route=GET%20/other")).body["diffs"] == []
    shown = (await deployment.ask("GET", f"/api/diffs/{listed['diffs'][0]['id']}")).body
    assert (shown["pattern"], shown["examples"]) == ("$.total", [])
    assert (await deployment.ask("GET", "/api/diffs/none")).status == 404
    mirror = (await deployment.ask("GET", "/api/status")).body["mirror"]
    assert (mirror["compared"], mirror["match_rate"]) == (2, 0.5)


async def test_the_configuration_is_shown_without_its_secrets(deployment: Deployment) -> None:
    answer = await deployment.ask("GET", "/api/config")
    assert answer.body["viewer_token"] == "***"
    assert ":***@" in answer.body["store"]["database"]
    assert "postgres:" in answer.body["store"]["database"]
    password = deployment.config.store.database.split(":")[2].split("@")[0]  # type: ignore[union-attr]
    assert password not in str(answer.body)


# --- changing


async def test_weight_while_resting_is_refused_with_what_to_do(deployment: Deployment) -> None:
    await deployment.until_health(new=True)
    answer = await deployment.ask("PUT", "/api/weight", {"share": 5})
    assert (answer.status, answer.body) == (
        409,
        {
            "error": "refused",
            "message": "nothing is compared yet: run `cutover start --empty` first",
            "code": 409,
            "details": {},
        },
    )


async def test_a_start_without_a_copy_is_refused_with_what_to_do(deployment: Deployment) -> None:
    answer = await deployment.ask("POST", "/api/start", {})
    assert answer.status == 409
    assert "needs a copy" in answer.body["message"]
    assert "--empty" in answer.body["message"]


async def test_weight_for_a_sick_backend_is_refused_and_home_is_always_open(deployment: Deployment) -> None:
    await deployment.shadowing()
    await deployment.ask("PUT", "/api/weight", {"share": 50})
    deployment.new.status = deployment.old.status = 500
    await deployment.until_health(old=False, new=False)
    answer = await deployment.ask("PUT", "/api/weight", {"share": 60})
    assert (answer.status, "new fails its health check" in answer.body["message"]) == (409, True)
    assert (await deployment.ask("PUT", "/api/weight", {"share": 0})).status == 200


async def test_nobody_reads_from_a_standby_that_is_still_being_copied(deployment: Deployment) -> None:
    await deployment.shadowing()
    with psycopg.connect(deployment.config.store.database or "", autocommit=True) as connection:
        connection.execute("INSERT INTO cutover.joining DEFAULT VALUES")
        answer = await deployment.ask("PUT", "/api/weight", {"share": 5})
        assert (answer.status, "not whole yet" in answer.body["message"]) == (409, True)
        assert (await deployment.ask("PUT", "/api/weight", {"share": 0})).status == 200
        connection.execute("DELETE FROM cutover.joining")
    assert (await deployment.ask("PUT", "/api/weight", {"share": 5})).status == 200


@pytest.mark.parametrize(
    ("body", "share"),
    [
        ({"share": 25}, 25),
        ({"weights": {"new": 30}}, 30),
        ({"weights": {"old": 60, "new": 40}}, 40),
        ({"weights": {"old": 90}}, 10),
    ],
)
async def test_weights_can_be_said_in_three_ways(deployment: Deployment, body: object, share: float) -> None:
    await deployment.shadowing()
    answer = await deployment.ask("PUT", "/api/weight", body)
    assert answer.body["state"]["share"] == share
    assert answer.body["state"]["phase"] == "ramping"
    assert (await deployment.store.load()).share == share


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "expected either share"),
        ({"share": 5, "weights": {"new": 5}}, "expected either share"),
        ({"share": 101}, "share: "),
        ({"share": "much"}, "share: "),
        ({"weights": {"new": 20, "old": 20}}, "add up to 100"),
        ({"weights": {"third": 20}}, "expected old or new, got third"),
        ({"share": 5, "route": "GET /nowhere"}, "not one of the routes"),
        ({"share": 5, "route": "POST /items"}, "not a read"),
        ({"share": None}, "name the route"),
        ({"share": 5, "colour": "green"}, "colour: "),
        ({"share": 5, "reason": "\x00"}, "NUL"),
        ([], "valid dictionary"),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(deployment: Deployment, body: object, words: str) -> None:
    await deployment.shadowing()
    answer = await deployment.ask("PUT", "/api/weight", body)
    assert (answer.status, answer.body["error"]) == (400, "invalid")
    assert words in answer.body["message"]


async def test_a_body_that_is_not_json_is_told_so(deployment: Deployment) -> None:
    headers = {"Authorization": f"Bearer {OPERATOR}"}
    async with deployment.session.put(f"{deployment.url}/api/weight", data=b"{", headers=headers) as answer:
        assert (answer.status, "not JSON" in (await answer.json())["message"]) == (400, True)


async def test_one_route_can_go_ahead_and_come_back(deployment: Deployment) -> None:
    await deployment.shadowing()
    answer = await deployment.ask("PUT", "/api/weight", {"share": 50, "route": "GET /items"})
    assert answer.body["state"]["route_shares"] == {"GET /items": 50}
    general = await deployment.ask("PUT", "/api/weight", {"share": 0})
    assert general.body["notes"] == ["routes with a share of their own keep it: GET /items 50 %"]
    last = await deployment.ask("PUT", "/api/weight", {"share": None, "route": "GET /items"})
    assert (last.body["state"]["route_shares"], last.body["state"]["phase"]) == ({}, "shadowing")


async def test_every_change_is_in_the_history_with_who_and_why(deployment: Deployment) -> None:
    await deployment.shadowing()
    await deployment.ask("PUT", "/api/weight", {"share": 5, "reason": "five is a start"}, X_Cutover_Who="alice")
    await deployment.ask("PUT", "/api/pins", {"key": "42", "backend": "new"})
    await deployment.ask("DELETE", "/api/pins", {"key": "42"})
    await deployment.ask("POST", "/api/stop", {"reason": "enough for today"})
    history = (await deployment.ask("GET", "/api/history?limit=5")).body["history"]
    assert [event["kind"] for event in history] == ["stop", "unpin", "pin", "weight", "start"]
    weight = history[3]
    assert (weight["who"], weight["why"]) == ("operator alice", "five is a start")
    assert (weight["from"], weight["to"]) == ({"phase": "shadowing", "share": 0}, {"phase": "ramping", "share": 5})
    older = (await deployment.ask("GET", f"/api/history?before={history[-1]['id']}")).body["history"]
    assert [event["kind"] for event in older] == ["new"]


async def test_a_dry_run_says_what_would_happen_and_does_nothing(deployment: Deployment) -> None:
    await deployment.shadowing()
    before = await deployment.store.load()
    answer = await deployment.ask("PUT", "/api/weight?dry_run=1", {"share": 5})
    assert (answer.body["dry_run"], answer.body["changed"], answer.body["state"]["share"]) == (True, True, 5)
    assert await deployment.store.load() == before
    assert (await deployment.ask("PUT", "/api/weight?dry_run=1", {"share": 5, "route": "x"})).status == 400
    assert (await deployment.ask("PUT", "/api/weight?dry_run=maybe", {"share": 5})).status == 400


async def test_a_change_to_what_is_already_so_leaves_no_row(deployment: Deployment) -> None:
    await deployment.shadowing()
    rows = len(await deployment.store.history())
    answer = await deployment.ask("PUT", "/api/weight", {"share": 0})
    assert (answer.status, answer.body["changed"]) == (200, False)
    assert len(await deployment.store.history()) == rows


async def test_a_change_may_be_tied_to_the_version_that_was_looked_at(deployment: Deployment) -> None:
    await deployment.shadowing()
    seen = (await deployment.ask("GET", "/api/status")).headers["ETag"]
    assert (await deployment.ask("PUT", "/api/weight", {"share": 5}, If_Match=seen)).status == 200
    answer = await deployment.ask("PUT", "/api/weight", {"share": 6}, If_Match=seen)
    assert (answer.status, answer.body["error"]) == (412, "stale")
    assert (await deployment.ask("PUT", "/api/weight", {"share": 6}, If_Match="soon")).status == 400
    assert (await deployment.ask("PUT", "/api/weight", {"share": 6}, If_Match="*")).status == 200


async def test_many_operators_at_once_lose_no_change(deployment: Deployment) -> None:
    await deployment.shadowing()
    pins = [deployment.ask("PUT", "/api/pins", {"key": f"{n}", "backend": "new"}) for n in range(4)]
    assert {answer.status for answer in await asyncio.gather(*pins)} == {200}
    assert (await deployment.ask("GET", "/api/pins")).body["pins"] == dict.fromkeys("0123", "new")


@pytest.mark.parametrize(("key", "backend"), [("", "new"), ("  ", "new"), ("1", "third")])
async def test_a_pin_needs_a_client_and_a_backend(deployment: Deployment, key: str, backend: str) -> None:
    assert (await deployment.ask("PUT", "/api/pins", {"key": key, "backend": backend})).status == 400


async def test_arming_needs_a_reason_and_a_guard_that_acted(deployment: Deployment) -> None:
    assert (await deployment.ask("POST", "/api/rearm", {})).status == 400
    assert (await deployment.ask("POST", "/api/rearm", {"reason": " "})).status == 400
    answer = await deployment.ask("POST", "/api/rearm", {"reason": "mended"})
    assert (answer.status, answer.body["message"]) == (409, "the guard is armed already")


# --- the guard, end to end


async def test_the_weight_goes_home_by_itself_and_stays_there_until_a_person_arms_the_guard(
    deployment: Deployment,
) -> None:
    await deployment.shadowing()
    await deployment.ask("PUT", "/api/weight", {"share": 25})
    await deployment.ask("PUT", "/api/weight", {"share": 80, "route": "GET /items"})
    await asyncio.sleep(1.1)  # so that what is counted is younger than the first share
    await deployment.count("new", 60, 30)
    state = await _latched(deployment)
    assert (state.share, dict(state.route_shares), state.phase) == (0, {"GET /items": 0}, "shadowing")
    event = (await deployment.ask("GET", "/api/history?limit=1")).body["history"][0]
    assert (event["kind"], event["who"]) == ("guard: roll back", "guard")
    assert "new failed 30 of 60 requests (50 %)" in event["why"]
    evidence = event["evidence"]
    assert (evidence["weights_before"], evidence["weights_after"]) == ({"old": 75, "new": 25}, {"old": 100, "new": 0})
    assert evidence["routes"] == {"GET /items": {"requests": 60, "failed": 30}}
    assert len(evidence["configuration"]) == 16
    refused = await deployment.ask("PUT", "/api/weight", {"share": 5})
    assert (refused.status, "cutover rearm" in refused.body["message"]) == (409, True)
    assert (await deployment.ask("POST", "/api/rearm", {"reason": "mended"})).body["state"]["guard"] == "armed"
    assert (await deployment.ask("PUT", "/api/weight", {"share": 5})).status == 200
    await asyncio.sleep(0.5)  # the old failures are older than the arming: they count no more
    assert (await deployment.store.load()).share == 5


async def test_where_home_is_sick_too_the_guard_halts_and_moves_nothing(deployment: Deployment) -> None:
    await deployment.shadowing()
    await deployment.ask("PUT", "/api/weight", {"share": 25})
    deployment.old.status = 500
    await deployment.until_health(old=False)
    await asyncio.sleep(1.1)
    await deployment.count("new", 60, 60)
    state = await _latched(deployment)
    assert (state.phase, state.share) == ("halted", 25)
    assert "call a person" in state.guard_reason


async def _latched(deployment: Deployment) -> ControlState:
    async def latched() -> bool:
        return (await deployment.store.load()).guard is GuardState.LATCHED

    await eventually(latched)
    return await deployment.store.load()


# --- errors


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/nowhere", 404, "not_found"),
        ("PATCH", "/api/weight", 405, "method_not_allowed"),
    ],
)
async def test_every_error_is_json(deployment: Deployment, method: str, path: str, status: int, error: str) -> None:
    answer = await deployment.ask(method, path)
    assert (answer.status, answer.body["error"], answer.body["code"]) == (status, error, status)
    assert set(answer.body) == {"error", "message", "code", "details"}


async def test_a_body_that_is_too_large_is_refused(deployment: Deployment) -> None:
    assert (await deployment.ask("PUT", "/api/weight", {"reason": "x" * 100_000})).status == 413


async def test_without_its_store_it_says_so_and_is_not_ready(redis_url: str) -> None:
    config = parse(
        TEXT.format(old="http://127.0.0.1:1", new="http://127.0.0.1:2", database="x", redis=redis_url, directory="x"),
        {},
    )
    store = Store("postgresql://nobody@127.0.0.1:1/none")
    api = Api(config, store, HealthProbe(config.backends), Tokens(OPERATOR, None), None)
    runner = web.AppRunner(api.application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    deployment = Deployment("", config, store, None, None, None, None, None, url=url)  # type: ignore[arg-type]
    async with aiohttp.ClientSession() as deployment.session:
        assert (await deployment.ask("GET", "/healthz")).status == 200
        assert (await deployment.ask("GET", "/readyz")).status == 503
        for path in ("/api/status", "/api/history", "/api/diffs"):
            answer = await deployment.ask("GET", path)
            assert (answer.status, answer.body["error"]) == (503, "unavailable")
        assert (await deployment.ask("POST", "/api/stop", {})).status == 503
    await runner.cleanup()


# --- the description


async def test_the_description_names_exactly_the_routes_that_there_are(deployment: Deployment) -> None:
    api = Api(deployment.config, deployment.store, HealthProbe({}), Tokens("x", None), None)
    page = {"/", "/favicon.svg", "/assets/{name}"}
    served = {
        (route.method.lower(), route.resource.canonical)
        for route in api.application().router.routes()
        if route.resource is not None and route.resource.canonical not in page
    }
    described = {(method, path) for path, methods in document()["paths"].items() for method in methods}
    assert described == served


async def test_the_answers_are_as_described(deployment: Deployment) -> None:
    await deployment.shadowing()
    await deployment.store.beat(Beat("edge-1", 1, {"old": 1}, {}))
    await asyncio.sleep(0.2)
    for path in ("/api/status", "/api/history", "/api/pins", "/api/diffs"):
        _check(path, "get", (await deployment.ask("GET", path)).body)
    _check("/api/weight", "put", (await deployment.ask("PUT", "/api/weight", {"share": 5})).body)
    assert (await deployment.ask("GET", "/api/openapi.json")).body == document()


def _check(path: str, method: str, body: object) -> None:
    described = document()
    schema = described["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    errors: Iterable[object] = Draft202012Validator({**schema, "components": described["components"]}).iter_errors(body)
    assert list(errors) == []
