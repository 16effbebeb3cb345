"""The command line as an operator types it, against a real control."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.config import json_schema
from proxy.store import Beat
from shadow.compare.summary import GroupKey, Judged, Mismatch
from shadow.compare.verdict import Verdict
from shadow.compare.walk import Kind
from tests.proxy.deployment import OPERATOR, Deployment

ROOT = Path(__file__).resolve().parents[3]
RIGHT = "backends: {old: {url: 'http://a:1'}, new: {url: 'http://b:1'}}\nactive: old\n"


@dataclass
class Ran:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


async def run(*words: str, cwd: Path | None = None, **environment: str) -> Ran:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CUTOVER_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy.cli.main", *words,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment}, cwd=cwd,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return Ran(process.returncode or 0, out.decode(), err.decode())


Cutover = Callable[..., Awaitable[Ran]]


@pytest.fixture
def cutover(deployment: Deployment, tmp_path: Path) -> Cutover:
    """`cutover …` towards the test's control."""

    async def typed(*words: str) -> Ran:
        return await run(*words, cwd=tmp_path, CUTOVER_CONTROL_URL=deployment.url, CUTOVER_TOKEN=OPERATOR)

    return typed


# --- the journey


async def test_a_weight_goes_up_and_comes_home(deployment: Deployment, cutover: Cutover) -> None:
    await deployment.until_health(old=True, new=True)
    assert (await cutover("start", "--empty", "--reason", "both are empty")).status == 0
    ran = await cutover("weight", "new=25", "--reason", "a quarter")
    assert (ran.status, ran.err) == (0, "")
    assert "now  ramping: old 75 %, new 25 %" in ran.out
    assert "was  shadowing: old 100 %, new 0 %" in ran.out
    assert (await deployment.store.load()).share == 25
    assert "asked for  old 75 %, new 25 %" in (await cutover("weight")).out
    assert (await cutover("stop")).status == 0
    assert (await deployment.store.load()).phase == "resting"


@pytest.mark.parametrize(
    ("words", "share"),
    [
        (["30"], 30),
        (["12.5%"], 12.5),
        (["new", "40"], 40),
        (["old=90"], 10),
        (["old=45", "new=55"], 55),
    ],
)
async def test_a_weight_can_be_typed_as_people_type_it(
    deployment: Deployment, cutover: Cutover, words: list[str], share: float
) -> None:
    await deployment.shadowing()
    assert (await cutover("weight", *words, "--json")).json["state"]["share"] == share


async def test_one_route_goes_ahead_and_its_share_is_taken_away(deployment: Deployment, cutover: Cutover) -> None:
    await deployment.shadowing()
    assert "GET /items 50 %" in (await cutover("weight", "50", "--route", "GET /items")).out
    assert "GET /items: 50 %" in (await cutover("weight")).out
    assert (await cutover("weight", "--clear", "--route", "GET /items", "--json")).json["state"]["route_shares"] == {}


async def test_clients_are_pinned_listed_and_let_go(cutover: Cutover) -> None:
    assert (await cutover("pin")).out == "nobody is pinned\n"
    assert "1 pinned" in (await cutover("pin", "42", "new")).out
    assert (await cutover("pin", "--json")).json == {"pins": {"42": "new"}}
    assert "42      new" in (await cutover("pin")).out
    assert "0 pinned" in (await cutover("pin", "--remove", "42")).out
    assert "already" in (await cutover("pin", "--remove", "42")).out


async def test_a_dry_run_says_what_would_be_and_changes_nothing(deployment: Deployment, cutover: Cutover) -> None:
    ran = await cutover("start", "--empty", "--dry-run")
    assert (ran.status, "would be  shadowing" in ran.out) == (0, True)
    assert (await deployment.store.load()).phase == "resting"


async def test_the_history_tells_what_who_and_why(deployment: Deployment, cutover: Cutover) -> None:
    await deployment.shadowing()
    await cutover("weight", "5", "--reason", "five is a start")
    ran = await cutover("history", "--limit", "1")
    assert "phase shadowing → ramping; share 0 → 5" in ran.out
    assert "five is a start" in ran.out
    (event,) = (await cutover("history", "--limit", "1", "--json")).json["history"]
    assert event["who"].startswith("operator ")
    assert (await cutover("history", "--before", "1")).out == "nothing has happened yet\n"


async def test_differences_are_listed_and_shown(deployment: Deployment, cutover: Cutover) -> None:
    assert (await cutover("diffs")).out == "no differences were found\n"
    key = GroupKey("GET /items", "$.total", Kind("value"))
    deployment.ledger.record(Judged(1.0, "GET /items", Verdict.MISMATCHED, mismatches=(Mismatch(key),)))
    await deployment.ledger.flush()
    assert "$.total" in (await cutover("diffs")).out
    assert (await cutover("diffs", "--route", "GET /other")).out == "no differences were found\n"
    assert "GET /items" in (await cutover("diffs", key.id)).out
    ran = await cutover("diffs", "none/such")
    assert (ran.status, "no difference with the id" in ran.err) == (1, True)


async def test_the_status_is_one_page(deployment: Deployment, cutover: Cutover) -> None:
    await deployment.until_health(old=True, new=True)
    await deployment.store.beat(Beat("edge-1", 1, {"old": 9, "new": 1}, {"unhealthy": 2}))
    ran = await cutover("status")
    for line in (
        "phase    resting: active old, standby new, epoch 1, version 1",
        "weights  old 100 %, new 0 %",
        "got      old 90 %, new 10 % of 10 reads in the last minute; held home: 2 unhealthy",
        "guard    armed: the standby answers nobody by weight: there is nothing to take home",
        "edges    1 alive, all agree",
        "mirror   nothing has been compared yet",
    ):
        assert line in ran.out.splitlines()
    assert (await cutover("status", "--json")).json["state"]["phase"] == "resting"


async def test_watching_prints_a_line_a_second_until_it_is_ended(deployment: Deployment, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "CUTOVER_CONTROL_URL": deployment.url,
        "CUTOVER_TOKEN": OPERATOR,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy.cli.main", "status", "--watch", "--json",
        env=environment, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(2)]
    assert [json.loads(line)["state"]["version"] for line in lines] == [1, 1]
    process.send_signal(2)
    await process.communicate()
    assert process.returncode == 0


# --- refusals and failures


async def test_a_refusal_is_on_standard_error_with_what_to_do_and_exits_with_1(cutover: Cutover) -> None:
    ran = await cutover("start")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("cutover start: the standby needs a copy")
    assert "cutover start --empty" in ran.err


async def test_a_refusal_with_json_is_an_object_on_standard_output(cutover: Cutover) -> None:
    ran = await cutover("start", "--json")
    assert (ran.status, ran.json["error"], ran.json["code"]) == (1, "refused", 409)


@pytest.mark.parametrize(
    "words",
    [
        ["weight", "much"],
        ["weight", "101"],
        ["weight", "a", "b", "c"],
        ["weight", "--route", "GET /items"],
        ["weight", "--clear"],
        ["pin", "42"],
        ["pin", "42", "new", "--remove", "42"],
        ["rearm"],
        ["history", "--limit", "0"],
        ["serve", "--only", "everything"],
        ["dance"],
    ],
)
async def test_wrong_usage_exits_with_2(words: list[str]) -> None:
    ran = await run(*words, CUTOVER_CONTROL_URL="http://127.0.0.1:1", CUTOVER_TOKEN="x")
    assert (ran.status, ran.out) == (2, "")
    assert "Error:" in ran.err


async def test_rearming_reaches_the_guard(cutover: Cutover) -> None:
    ran = await cutover("rearm", "--reason", "mended")
    assert (ran.status, "armed already" in ran.err) == (1, True)


async def test_a_wrong_token_is_said_so(deployment: Deployment, tmp_path: Path) -> None:
    ran = await run("status", "--url", deployment.url, cwd=tmp_path, CUTOVER_TOKEN="wrong")
    assert (ran.status, "a valid token is needed" in ran.err) == (1, True)


async def test_a_control_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    ran = await run("status", "--json", cwd=tmp_path, CUTOVER_CONTROL_URL="http://127.0.0.1:1", CUTOVER_TOKEN="x")
    assert (ran.status, "is `cutover serve` running?" in ran.json["message"]) == (1, True)
    ran = await run("status", "--url", "nonsense", cwd=tmp_path, CUTOVER_TOKEN="x")
    assert (ran.status, "is not a URL" in ran.err) == (1, True)


async def test_address_and_token_come_from_the_configuration_and_its_token_file(
    deployment: Deployment, tmp_path: Path
) -> None:
    port = deployment.url.rpartition(":")[2]
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "token").write_text(f"{OPERATOR}\n")
    (tmp_path / "cutover.yaml").write_text(f"{RIGHT}listen: {{control_port: {port}}}\nstore: {{directory: kept}}\n")
    assert (await run("status", cwd=tmp_path)).status == 0
    elsewhere = await run("status", cwd=tmp_path, CUTOVER_CONTROL_PORT="1")
    assert (elsewhere.status, "127.0.0.1:1 " in elsewhere.err) == (1, True)
    (tmp_path / "kept" / "token").unlink()
    without = await run("status", cwd=tmp_path)
    assert (without.status, "set CUTOVER_TOKEN" in without.err) == (1, True)


# --- without any server


async def test_a_right_configuration_is_said_to_be_right(tmp_path: Path) -> None:
    (tmp_path / "cutover.yaml").write_text(RIGHT)
    ran = await run("config", "check", cwd=tmp_path)
    assert (ran.status, ran.out) == (0, "cutover.yaml is right: old and new, old active, 0 routes\n")


async def test_every_mistake_of_a_configuration_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("backends: {old: {url: nonsense}, new: {url: 'http://b:1', colour: green}}\nactive: third\n")
    ran = await run("config", "check", "--config", str(path))
    assert (ran.status, ran.out) == (1, "")
    for mistake in ("backends.old.url", "backends.new.colour", "active: expected one of old, new"):
        assert mistake in ran.err
    told = (await run("config", "check", "--json", CUTOVER_CONFIG=str(path))).json
    assert (told["ok"], len(told["mistakes"])) == (False, 3)


async def test_a_missing_configuration_is_a_mistake_too(tmp_path: Path) -> None:
    ran = await run("config", "check", cwd=tmp_path)
    assert (ran.status, "cannot be read" in ran.err) == (1, True)


async def test_the_configuration_is_shown_in_full_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "cutover.yaml").write_text(f"{RIGHT}token: ${{SECRET_TOKEN}}\n")
    ran = await run("config", "show", cwd=tmp_path, SECRET_TOKEN="hunter2")
    assert (ran.status, "hunter2" in ran.out, "token: '***'" in ran.out) == (0, False, True)
    shown = (await run("config", "show", "--json", cwd=tmp_path, SECRET_TOKEN="hunter2")).json
    assert shown["guard"]["rules"][0]["samples"] == 20


async def test_the_schema_that_is_shipped_is_up_to_date() -> None:
    shipped = json.loads((ROOT / "config" / "cutover.schema.json").read_text())
    assert shipped == json_schema(), "run: make fmt"
    assert (await run("config", "schema", "--json")).json == shipped


async def test_it_says_its_version_without_delay() -> None:
    least = 9.0  # seconds of a processor, so that it does not matter what else runs
    for _ in range(3):
        before = os.times()
        ran = await run("version")
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        assert ran.status == 0
        assert used > 0, "a process that was waited for has used something"
        least = min(least, used)
    assert ran.out.strip() == (await run("version", "--json")).json["version"]
    assert least < 0.4


JSON_HAS_NO_USE = {("serve",), ("config", "schema")}  # one runs on, the other is JSON anyway


async def test_every_verb_explains_itself() -> None:
    verbs = [(verb,) for verb in _commands((await run("--help")).out)]
    assert ("weight",) in verbs
    helped = dict(zip(verbs, await asyncio.gather(*(run(*verb, "--help") for verb in verbs)), strict=True))
    below = [(*verb, name) for verb, ran in helped.items() for name in _commands(ran.out)]
    helped |= zip(below, await asyncio.gather(*(run(*verb, "--help") for verb in below)), strict=True)
    assert ("migrate", "copy") in helped
    for verb, ran in helped.items():
        assert ran.status == 0, verb
        assert _commands(ran.out) or verb in JSON_HAS_NO_USE or "--json" in ran.out, verb


def _commands(helped: str) -> list[str]:
    """The commands that a help page lists; a command of its own lists none. Continued lines are indented further."""
    listed = helped.partition("Commands:\n")[2].splitlines()
    return [line.split()[0] for line in listed if line.startswith("  ") and not line.startswith("   ")]
