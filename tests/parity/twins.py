"""Runs one errand on both backends step by step, and judges each pair of answers by the flagship's own rules."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import aiohttp
import psycopg
from yarl import URL

from proxy.config import read
from shadow.answer import Answer
from shadow.compare.diff import Limits
from shadow.compare.rules import RuleBook
from shadow.compare.verdict import Outcome, Verdict, compare
from stack.exchange import Outcome as Answered
from stack.request import Request
from stack.whole.actor import Journey, Open, Opened
from tests.parity.made_up import Sides
from tests.parity.stage import CONFIG, Pair
from tests.parity.through import Routes

LIMITS = Limits.of(20.0, 16 * 1024 * 1024)
SETTLED_WITHIN = 20.0


@dataclass(frozen=True)
class Until:
    """A request to be asked again on each side until its answer is as wanted: both jobs run at their own pace."""

    request: Request
    holds: Callable[[Any], bool]


@dataclass
class Tally:
    """What came of all steps."""

    exchanges: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    statuses: Counter[tuple[int, int]] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    def note(self, request: Request, active: Answer, standby: Answer, outcome: Outcome) -> None:
        """Count one pair of answers."""
        self.exchanges += 1
        self.operations[request.operation] += 1
        self.rules.update(outcome.rules)
        self.statuses[active.status, standby.status] += 1
        if outcome.verdict not in (Verdict.MATCHED, Verdict.IGNORED):
            who = request.client.role if request.client else "nobody"
            told = [f"{d.path} {d.kind}: {d.active!r:.150} | {d.standby!r:.150}" for d in outcome.differences[:4]]
            body = (request.payload().data if request.payload() else b"")[:120]
            self.unexplained.append(f"{request.method} {request.path} by {who} {body!r}: {outcome.reason} {told}")


class Twins:
    """Both backends under the same hands."""

    def __init__(self, pair: Pair) -> None:
        self._pair, self._routes, self.tally = pair, Routes(), Tally()
        self._rules = RuleBook(read(CONFIG, {}).compare.rules)
        self._sides = Sides(str(pair.settings.uploads.parent))

    async def __aenter__(self) -> Twins:
        timeout = aiohttp.ClientTimeout(total=60)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        urls = (self._pair.settings.node_database, self._pair.settings.django_database)
        self._databases = [psycopg.connect(url, autocommit=True) for url in urls]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        for connection in self._databases:
            connection.close()

    async def walk(self, name: str, active: Journey, standby: Journey) -> None:
        """One errand, given once for each side, to its end or to the first answer that it cannot go on with."""
        answers: tuple[Any, Any] = (None, None)
        try:
            while True:
                answers = await self._step(active.send(answers[0]), standby.send(answers[1]))
        except StopIteration:
            return
        except (LookupError, TypeError) as error:
            self.tally.stopped.append(f"{name}: {error!r} after {answers}"[:400])
        finally:
            active.close()
            standby.close()

    async def ask(self, requests: Iterable[tuple[Request, Request]]) -> None:
        """Pairs of requests that have nothing to do with each other."""
        for one, other in requests:
            await self._ask(one, other)

    async def _step(self, one: Any, other: Any) -> tuple[Any, Any]:
        if isinstance(one, Open):
            return Opened(0, one.operation, one.client.role), Opened(0, other.operation, other.client.role)
        if isinstance(one, Until):
            await asyncio.gather(
                *(self._settle(url, until) for url, until in zip(self._urls, (one, other), strict=True))
            )
            return await self._ask(one.request, other.request)
        if isinstance(one, list):
            # What people send at once comes here one after the other: which is first must be the same on both sides.
            pairs = [await self._ask(a, b) for a, b in zip(one, other, strict=True)]
            return [a for a, _ in pairs], [b for _, b in pairs]
        return await self._ask(one, other) if isinstance(one, Request) else (None, None)

    @property
    def _urls(self) -> tuple[str, str]:
        return self._pair.urls

    async def _ask(self, one: Request, other: Request) -> tuple[Any, Any]:
        requests = zip(self._urls, (one, other), strict=True)
        active, standby = await asyncio.gather(*(self._send(url, request) for url, request in requests))
        outcome = self._judged(one, active, standby)
        self.tally.note(one, active, standby, outcome)
        if one.method != "GET" and max(active.status, standby.status) >= 400:
            self._align_sequences()
        one, other = (Answered("", None, answer.status, answer.body).document for answer in (active, standby))
        # Ties stand in another order on each side: which row an errand takes up must not depend on it.
        if isinstance(one, list):
            one = sorted(one, key=lambda row: row.get("cadet_id") or 0)
        return (one, one if isinstance(one, list) or (isinstance(one, dict) and "data" in one) else other)

    def _judged(self, request: Request, active: Answer, standby: Answer) -> Outcome:
        route = self._routes.of(request).name
        one, other = self._sides.shared(
            active.body, standby.body, are_new=request.method != "GET" or request.operation.endswith("{id}")
        )
        rules = self._rules.of(route, (active.status, standby.status), datetime.now(UTC).date())
        shared = (Answer(a.status, self._named(a), body) for a, body in ((active, one), (standby, other)))
        return compare(*shared, rules, LIMITS)

    @staticmethod
    def _named(answer: Answer) -> Any:
        return tuple((name.lower(), value) for name, value in answer.headers)

    async def _settle(self, url: str, until: Until) -> None:
        async with asyncio.timeout(SETTLED_WITHIN):
            while not until.holds(Answered("", None, 200, (await self._send(url, until.request)).body).document):
                await asyncio.sleep(0.1)

    async def _send(self, url: str, request: Request) -> Answer:
        bearer, payload = request.bearer(), request.payload()
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        if payload is not None and payload.kind:
            headers["Content-Type"] = payload.kind
        path = request.path if request.path.startswith("/") else f"/api/v1/{request.path}"
        where = URL(f"{url}{path}", encoded=True).update_query(request.params) if request.params else f"{url}{path}"
        async with self._session.request(
            request.method, URL(str(where), encoded=True), data=BytesIO(payload.data) if payload else None,
            headers=headers, allow_redirects=False,
        ) as answer:  # fmt: skip
            return Answer(answer.status, answer.raw_headers, await answer.read())

    def _align_sequences(self) -> None:
        """A refused insert takes a number of the sequence on one side and none on the other: begin alike again."""
        found = [_sequences(connection) for connection in self._databases]
        for name in found[0].keys() & found[1].keys():
            most = max(found[0][name], found[1][name])
            for connection, own in zip(self._databases, found, strict=True):
                if own[name] != most:
                    connection.execute("SELECT setval(%s, %s)", [name, most])


def _sequences(connection: psycopg.Connection[Any]) -> dict[str, int]:
    return dict(connection.execute("SELECT sequencename, coalesce(last_value, 1) FROM pg_sequences").fetchall())
