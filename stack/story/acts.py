"""What happens, act by act. Each act does what an operator or an accident does, and claims what follows from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from stack.backends import DJANGO, NODE
from stack.cast import Cast
from stack.load import LoadGenerator
from stack.story.operator import Operator, OperatorError, until
from stack.story.report import Report
from stack.story.stage import Stage

PLANTED = {"lost-field": "religion", "null-as-empty": "system/settings"}
ENOUGH_COMPARED = 250
SHORT = 8.0  # seconds of load that a claim is watched over


class Story:
    """Carries the acts' shared parts."""

    def __init__(
        self, stage: Stage, operator: Operator, load: LoadGenerator, report: Report, say: Callable[[str], None]
    ) -> None:
        self.stage, self.operator, self.load, self.report, self.say = stage, operator, load, report, say
        self._sides: dict[float, dict[int, str]] = {}  # share → client → backend
        self._during_fault = 0

    async def tell(self) -> None:
        """All acts, in order."""
        self.say("load begins; the release rests, so the active backend answers everything")
        await self.load.start()
        await self.at_rest()
        await self.copy()
        await self.shadow()
        await self.fix_by_rule()
        for share in (25, 50):
            await self.ramp(share)
        await self.kill_the_standby()
        await self.fault()
        await self.finish()

    async def copy(self) -> None:
        """The new backend's database is empty; the rows are copied under load, joined to the journal at a position."""
        before = self.load.snapshot()
        copied = await self.operator.run("migrate", "copy", "--join")
        joined = copied["joined"]
        self.report.measures["rows_copied"] = copied["rows"]
        self.report.measures["writes_held_for_the_copy_ms"] = round(1000 * joined["held_seconds"], 1)
        self._nobody_hurt(
            "the rows are copied under load, and no request fails", before,
            f"; {copied['rows']} rows in {copied['seconds']:.1f} s, writes stood still for "
            f"{1000 * joined['held_seconds']:.0f} ms",
        )  # fmt: skip
        await self.equal("what was written since then is replayed: both databases are equal")

    async def equal(self, name: str) -> None:
        """The standby has caught up, and both databases are compared by their hashes at one moment, under load."""
        began = time.monotonic()

        async def caught_up() -> bool:
            status = await self.operator.run("journal", "status", quiet=True)
            return (status["lag_seconds"] or 0.0) < 1.0

        await until(caught_up, 60, "the standby to catch up")
        waited = time.monotonic() - began
        verified = await self.operator.run("verify", "--still")
        entries = await self.operator.run("journal", "status", quiet=True)
        self.report.claim(
            name,
            verified["ok"] and all(table["equal"] for table in verified["tables"]),
            f"{verified['rows']} rows in {len(verified['tables'])} tables, by hashes; caught up after {waited:.0f} s; "
            f"{_journal(entries)}",
        )

    async def at_rest(self) -> None:
        """A new deployment answers everything from the active backend and copies nothing."""
        await asyncio.sleep(4)
        sides = await self._who_answers()
        others = [client for client, side in sides.items() if side != NODE]
        self.report.claim(
            "at rest the active backend answers everybody",
            not others,
            f"{len(sides) - len(others)} of {len(sides)} clients were answered by {NODE}",
        )

    async def shadow(self) -> None:
        """Reads are mirrored; two differences were planted in the standby and must be found, and no others."""
        self.stage.wish(plant=list(PLANTED))

        async def found() -> Any:
            answer = await self.operator.run("diffs", quiet=True)
            patterns = [_place(group) for group in answer["diffs"]]
            both = all(any(hint in place for place in patterns) for hint in PLANTED.values())
            compared = sum(route["compared"] for route in answer["routes"])
            return answer if both and compared >= ENOUGH_COMPARED else None

        answer = await until(found, 45, "both planted differences")
        unplanted = [g for g in answer["diffs"] if not any(hint in _place(g) for hint in PLANTED.values())]
        compared = sum(route["compared"] for route in answer["routes"])
        self.report.measures["compared_in_shadow"] = compared
        self.report.claim(
            "the shadow finds both planted differences",
            True,
            "; ".join(f"{_place(g)} {g['kind']} ×{g['count']}" for g in answer["diffs"][:4]),
        )
        self.report.claim(
            "and reports no other difference",
            not unplanted,
            f"{compared} answers compared" + "".join(f"; {_place(g)} {g['kind']}" for g in unplanted[:3]),
        )

    async def fix_by_rule(self) -> None:
        """One difference is allowed by a named rule, without a restart; the other is mended in the new backend."""
        answer = await self.operator.run("diffs", quiet=True)
        wanted = [group for group in answer["diffs"] if PLANTED["null-as-empty"] in _place(group)]
        self.say("rule: an empty setting may be '' where the legacy has null")
        self.stage.add_rule(
            {
                "name": "empty-settings",
                "kind": "ignore",
                "reason": "the frontend treats an empty setting and none alike",
                "routes": sorted({group["route"] for group in wanted}),
                "paths": sorted({group["pattern"] for group in wanted}),
            }
        )

        async def ignored() -> bool:
            groups = (await self.operator.run("diffs", quiet=True))["diffs"]
            ours = {group["id"] for group in wanted}
            return all(group["status"] == "ignored by rule" for group in groups if group["id"] in ours)

        await until(ignored, 45, "the rule to take effect")
        self.report.claim(
            "a named rule settles one of them without a restart", True, "its group is now 'ignored by rule'"
        )
        self.say("the other one is mended in the new backend")
        self.stage.wish()
        await asyncio.sleep(3)  # answers given before the mending are still being compared
        before = await self._mismatches()
        await asyncio.sleep(SHORT)
        grown = await self._mismatches() - before
        self.report.claim("then nothing differs any more", grown == 0, f"{grown} mismatches in {SHORT:g} s of load")

    async def ramp(self, share: int) -> None:
        """A share of the clients reads from the standby; they stay where they are, and a rise moves nobody back."""
        before = self.load.snapshot()
        await self.operator.run("weight", f"{DJANGO}={share}", "--reason", "ramp")
        await asyncio.sleep(1)
        sides = await self._who_answers()
        await asyncio.sleep(SHORT)
        again = await self._who_answers()
        on_standby = [client for client, side in sides.items() if side == DJANGO]
        percent = 100 * len(on_standby) / len(sides)
        deviation = (share * (100 - share) / len(sides)) ** 0.5
        moved = sum(side != again[client] for client, side in sides.items())
        back = [c for lower, s in self._sides.items() if lower < share for c, b in s.items() if b != sides[c] == NODE]
        self._sides[share] = sides
        self.report.claim(
            f"at {share} % that share of the clients reads from the standby, each always there",
            abs(percent - share) <= 3 * deviation and moved == 0 and not back,
            f"{len(on_standby)} of {len(sides)} clients ({percent:.1f} %), {moved} changed sides, "
            f"{len(back)} moved back",
        )
        self._nobody_hurt(f"raising the weight to {share} % fails no request", before)

    async def kill_the_standby(self) -> None:
        """SIGKILL to the standby while half of the clients read from it."""
        before = self.load.snapshot()
        self.say("kill -9 for the standby, under load")
        self.stage.backends.kill(DJANGO)
        await asyncio.sleep(5)
        held = sum((await self.operator.status())["effective"]["held_home"].values())
        await asyncio.to_thread(self.stage.backends.start, DJANGO)

        async def back() -> Any:
            return (await self.operator.status())["health"][DJANGO]["healthy"]

        await until(back, 30, "the standby to be healthy again")
        self._nobody_hurt("the standby killed under load hurts nobody", before, f"; {held} reads stayed home")
        await self.equal("it catches up with what was written meanwhile, without a word from anybody")

    async def fault(self) -> None:
        """The standby begins to fail, and the guard takes the weight home by itself."""
        before, began = self.load.snapshot(), time.monotonic()
        self.say("a fault is switched on: 60 % of the standby's answers are errors")
        self.stage.wish(errors=0.6)

        async def latched() -> Any:
            status = await self.operator.status()
            return status if status["guard"]["state"] == "latched" else None

        status = await until(latched, 60, "the guard to act")
        seconds = time.monotonic() - began
        self.report.measures["guard_seconds"] = round(seconds, 1)
        self.report.claim(
            "the guard takes the weight home by itself",
            status["state"]["share"] == 0,
            f"after {seconds:.0f} s: {status['guard']['reason']}",
        )
        await asyncio.sleep(1)
        self._during_fault = _unexpected(before, self.load.snapshot())
        self.report.measures["errors_seen_by_clients_before_the_guard_acted"] = self._during_fault
        after = self.load.snapshot()
        await asyncio.sleep(SHORT)
        self._nobody_hurt("from then on the fault hurts nobody, although it is still there", after)
        await self._refused_until_rearmed()
        await self._evidence()

    async def finish(self) -> None:
        """The fault is removed, a person re-arms the guard, the release rests again; what was acknowledged is there."""
        self.stage.wish()
        await self.operator.run("rearm", "--reason", "the fault was found and removed")
        await self.equal("after the fault, too, both databases are equal")
        await self.operator.run("stop", "--reason", "end of the demonstration")
        await self.load.stop()
        written = self.load.acknowledged
        stored = await asyncio.to_thread(self.stage.stored_writes, written.targets())
        lost = written.lost(stored)
        self.report.claim(
            "no acknowledged write was lost",
            not lost,
            f"{written.count} acknowledged, {len(lost)} lost" + "".join(f"; {one}" for one in lost[:2]),
        )
        end = self.load.snapshot()
        self.report.measures["load"] = {key: end[key] for key in ("sent", "unexpected", "classes", "latency_ms")}
        outside = end["unexpected"] - self._during_fault
        self.report.claim(
            "outside the fault no client saw an error of ours",
            outside == 0,
            f"{end['sent']} requests, {outside} unexpected answers; during the fault {self._during_fault}",
        )

    async def _refused_until_rearmed(self) -> None:
        try:
            await self.operator.run("weight", f"{DJANGO}=25", "--reason", "try")
            refusal = ""
        except OperatorError as error:
            refusal = str(error)
        self.report.claim("the guard latches: the weight cannot be raised again", "rearm" in refusal, _short(refusal))

    async def _evidence(self) -> None:
        rows = (await self.operator.run("history", quiet=True))["history"]
        row = next((row for row in rows if row["who"] == "guard"), None)
        evidence = row["evidence"] if row else {}
        self.report.measures["evidence"] = evidence
        self.report.claim(
            "the history keeps what the guard saw",
            bool(evidence.get("requests") and evidence.get("configuration")),
            ", ".join(f"{key}={evidence.get(key)}" for key in ("requests", "failed", "weights_before")),
        )

    def _nobody_hurt(self, name: str, before: dict[str, Any], more: str = "") -> None:
        now = self.load.snapshot()
        unexpected, sent = _unexpected(before, now), now["sent"] - before["sent"]
        what = "".join(f"; {s.operation}: {s.what}" for s in list(self.load.tally.surprises)[-2:]) if unexpected else ""
        self.report.claim(name, unexpected == 0, f"{sent} requests, {unexpected} unexpected{more}{_short(what)}")

    async def _mismatches(self) -> int:
        answer = await self.operator.run("diffs", quiet=True)
        return sum(route["verdicts"].get("mismatched", 0) for route in answer["routes"])

    async def _who_answers(self) -> dict[int, str]:
        """Whose each client's reads are, by the debug header. One that is held home for a moment (the standby was not
        well when asked) still belongs to the standby."""
        gate = asyncio.Semaphore(8)
        async with aiohttp.ClientSession() as session:

            async def ask(user: int, token: str) -> tuple[int, str]:
                headers = {"Authorization": f"Bearer {token}", "X-Cutover-Debug": "1"}
                async with gate, session.get(f"{self.stage.edge.url}/api/v1/auth/settings", headers=headers) as answer:
                    await answer.read()
                    held = answer.headers["X-Cutover-Reason"].startswith("held home")
                    return user, DJANGO if held else answer.headers["X-Cutover-Backend"]

            people = Cast(self.stage.backends.settings.jwt_secret).everyone
            return dict(await asyncio.gather(*(ask(one.user_id, one.token) for one in people)))


def _journal(status: dict[str, Any]) -> str:
    waiting = ", ".join(f"{found['count']} {state}" for state, found in status["states"].items() if found["count"])
    return f"the standby is {status['lag_seconds'] or 0:.1f} s behind" + (f" ({waiting})" if waiting else "")


def _place(group: dict[str, Any]) -> str:
    return f"{group['route']} {group['pattern']}"


def _unexpected(before: dict[str, Any], after: dict[str, Any]) -> int:
    return int(after["unexpected"] - before["unexpected"])


def _short(text: str) -> str:
    return text if len(text) <= 240 else text[:237] + "…"
