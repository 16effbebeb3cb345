"""Thirty-two people who do everything at once, remember what they were told, and try again under the same key."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from random import Random
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from stack.acknowledged import Acknowledged
from stack.cast import Cast
from stack.exchange import Outcome
from stack.operations import ADMIN, CADET, INSTRUCTOR
from stack.request import Request
from stack.whole import administrator, cadet, everybody, grading, staff
from stack.whole.actor import Actor, Journey
from stack.whole.walk import Walker

PEOPLE = 32
PATIENCE = 25.0
ROOMS = ("faults-a", "faults-b", "faults-c")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def said(me: Actor) -> Journey:
    """Say something that nobody else says, and read it: it must be there at once, and never twice."""
    text = f"said {me.tag}"
    room = me.rng.choice(ROOMS)
    made = yield me.ask("POST messaging/rooms/{room}/messages", room=room, body={"content": text},
                        expected=frozenset({200, 201}), value=text)  # fmt: skip
    if made is not None:
        yield me.ask("GET messaging/rooms/{room}/messages", room=room, query={"limit": "100"}, value=text)


# What runs outside of the proxy is left out: chat over WebSockets, and reports, whose job changes rows by itself.
ERRANDS = (
    (said, None, 6),
    (everybody.account, None, 2),
    (everybody.notices, None, 2),
    (everybody.push, None, 1),
    (everybody.letter, None, 1),
    (everybody.files, None, 1),
    (everybody.standing, None, 1),
    (cadet.own_record, CADET, 1),
    (staff.roll_call, INSTRUCTOR, 2),
    (staff.same_mark, INSTRUCTOR, 3),
    (staff.same_scan, INSTRUCTOR, 2),
    (staff.letters, INSTRUCTOR, 1),
    (staff.activity, INSTRUCTOR, 2),
    (grading.cadet, INSTRUCTOR, 2),
    (grading.same_cadet, INSTRUCTOR, 3),
    (grading.grade, INSTRUCTOR, 2),
    (grading.many_grades, INSTRUCTOR, 1),
    (grading.same_grade, INSTRUCTOR, 3),
    (administrator.personnel, ADMIN, 1),
    (administrator.spreadsheets, ADMIN, 1),
    (administrator.discharge, ADMIN, 1),
    (administrator.categories, ADMIN, 2),
    (administrator.settings, ADMIN, 1),
    (administrator.word_to_all, ADMIN, 1),
)


@dataclass
class Told:
    """What the people were told: keys of acknowledged writes, texts said, and reads that missed one's own words."""

    acknowledged: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    said: set[str] = field(default_factory=set)
    missed: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    last: Acknowledged = field(default_factory=Acknowledged)


class Crowd:
    """Runs errands against the edges until told to stop. It follows from the seed what is asked, not when."""

    def __init__(self, url: str, secret: str, seed: str) -> None:
        self._url, self._seed, self.told = url, seed, Told()
        self._cast = Cast(secret)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=PATIENCE),
        )  # fmt: skip
        self._walker = Walker(_NoSockets(), self._send, lambda *_: None, lambda *_: None, think=0.01, bad_share=0.05)  # type: ignore[arg-type]
        self._tasks = [asyncio.create_task(self._person(number)) for number in range(PEOPLE)]

    async def stop(self) -> Told:
        """Finish what is under way."""
        self._walker.stopping.set()
        await asyncio.gather(*self._tasks)
        await self._session.close()
        return self.told

    async def _person(self, number: int) -> None:
        for errand, me in self._errands(number):
            if self._walker.stopping.is_set():
                return
            await self._walker.walk(errand, me, time.monotonic())

    def _errands(self, number: int) -> Iterator[tuple[Journey, Actor]]:
        rng, turn = Random(f"{self._seed}/{number}"), 0
        weights = [weight for *_, weight in ERRANDS]
        while True:
            turn += 1
            errand, role, _ = rng.choices(ERRANDS, weights)[0]
            wanted = role or rng.choices((CADET, INSTRUCTOR, ADMIN), (6, 3, 1))[0]
            own = Random(f"{self._seed}/{number}/{turn}")
            me = Actor(own.choice(self._cast.of_role(wanted)), self._cast, own, f"{self._seed}-{number}-{turn}")
            yield errand(me), me

    async def _send(self, request: Request, intended: float) -> Outcome:
        """One request; a write has a key, and goes out again under it until somebody says what became of it."""
        key = uuid.uuid4().hex if request.method not in _SAFE and "auth/log" not in request.path else None
        started, outcome = time.monotonic(), Outcome("network", "not sent")
        for attempt in range(4):
            outcome = await self._once(request, key)
            self.told.statuses[outcome.status] = self.told.statuses.get(outcome.status, 0) + 1
            if key is None or outcome.status not in (0, 409, 502, 503, 504) or self._walker.stopping.is_set():
                break
            await asyncio.sleep(0.1 * 2**attempt)
        self._remember(request, key, outcome, started)
        return outcome

    def _remember(self, request: Request, key: str | None, outcome: Outcome, started: float) -> None:
        if key is None:
            if request.value is not None and outcome.status == 200 and str(request.value).encode() not in outcome.body:
                self.told.missed.append(f"{request.path}: {request.value}")
            return
        done = 200 <= outcome.status < 300
        (self.told.acknowledged if done else self.told.refused).add(key)
        if request.target is not None and (done or outcome.status in (0, 409) or outcome.status >= 500):
            self.told.last.record(request.target, request.value, started, time.monotonic(), acknowledged=done)
        elif request.value is not None and done:
            self.told.said.add(str(request.value))

    async def _once(self, request: Request, key: str | None) -> Outcome:
        headers = {} if key is None else {"Idempotency-Key": key}
        bearer, payload = request.bearer(), request.payload()
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        if payload is not None and payload.kind:
            headers["Content-Type"] = payload.kind
        path = request.path if request.path.startswith("/") else f"/api/v1/{request.path}"
        url = URL(f"{self._url}{path}" + (f"?{urlencode(request.params)}" if request.params else ""), encoded=True)
        try:
            async with self._session.request(
                request.method,
                url,
                data=BytesIO(payload.data) if payload else None,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
                status = answer.status
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return Outcome("network", repr(error))
        return Outcome(f"{status // 100}xx", None if request.fits(status, body) else str(status), status, body)


class _NoSockets:
    """No errand here opens one."""

    async def open(self, *_: object) -> None:
        raise AssertionError("an errand opened a WebSocket")


def lines(told: Told) -> str:
    """What the people were told, in one line."""
    return json.dumps({"acknowledged": len(told.acknowledged), "statuses": dict(sorted(told.statuses.items()))})
