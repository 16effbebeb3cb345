"""An open-loop load generator: requests start when they are due, whatever became of the ones before them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from random import Random
from typing import Any

import aiohttp
import click
from rich.console import Console
from rich.table import Table

from stack.acknowledged import Acknowledged
from stack.cast import Cast
from stack.journeys import LOGIN, LOGIN_PATH, OPERATIONS, Operation, Request
from stack.sample.population import KNOWN_LOGINS, Login
from stack.tally import CLASSES, Tally

MOST_IN_FLIGHT = 3000
CONNECTIONS = 256


class LoadGenerator:
    """Sends *rate* requests a second to *url* between start() and stop(); the sequence follows from *seed* alone."""

    def __init__(
        self, url: str, *, rate: float, jwt_secret: str, seed: int = 1, timeout: float = 15.0,
        logins_per_second: float = 1.0, clients: int = 303, writes: bool = True,
    ) -> None:  # fmt: skip
        self.url = url.rstrip("/") + "/api/v1/"
        self.rate, self.timeout = rate, timeout
        self.tally, self.acknowledged = Tally(), Acknowledged()
        self._random = Random(seed)
        self._cast = Cast(jwt_secret, clients)
        self._login_gap = 1 / logins_per_second if logins_per_second > 0 else float("inf")
        self._operations = [op for op in OPERATIONS if writes or op.name not in {"settings write", "cadet write"}]
        self._flying: set[asyncio.Task[object]] = set()
        self._pump: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Begin to send."""
        # Cookies are kept out: three hundred people share this session.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS), cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self.timeout),
        )  # fmt: skip
        for login in KNOWN_LOGINS:
            self._fly(self._log_in(login))
        self._pump = asyncio.create_task(self._send_when_due())

    async def stop(self) -> None:
        """Send no more, and wait for the answers that are still to come (each has its time-out)."""
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump
        await asyncio.gather(*self._flying)
        if self._session is not None:
            await self._session.close()

    def snapshot(self) -> dict[str, Any]:
        """All counts so far."""
        return {**self.tally.snapshot(), "in_flight": len(self._flying), "acknowledged_writes": self.acknowledged.count}

    def schedule(self) -> Iterator[tuple[float, Operation, Request]]:
        """When (seconds from the start) what is sent. Arrivals are a Poisson process, as independent people make it."""
        due, last_login, number = 0.0, float("-inf"), 0
        weights = [operation.weight for operation in self._operations]
        while True:
            number += 1
            due += self._random.expovariate(self.rate)
            operation = self._random.choices(self._operations, weights)[0]
            while operation.name == LOGIN and due - last_login < self._login_gap:
                operation = self._random.choices(self._operations, weights)[0]
            if operation.name == LOGIN:
                last_login = due
            yield due, operation, operation.build(self._random, self._cast, number)

    async def _send_when_due(self) -> None:
        began = time.monotonic()
        for due, operation, request in self.schedule():
            wait = began + due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            if len(self._flying) >= MOST_IN_FLIGHT:
                self.tally.count(operation.name, "dropped", 0.0, "not sent: too many requests are waiting for answers")
                await asyncio.sleep(0)
                continue
            self._fly(self._send(operation.name, request, began + due))

    def _fly(self, sending: Coroutine[None, None, object]) -> None:
        task = asyncio.create_task(sending)
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)

    async def _log_in(self, login: Login) -> None:
        """Give somebody known a token of the backend's own instead of ours."""
        request = Request("POST", LOGIN_PATH, body={"username": login.username, "password": login.password})
        body = await self._send(LOGIN, request, time.monotonic())
        if body is not None:
            self._cast.adopt(login.user_id, json.loads(body)["token"])

    async def _send(self, name: str, request: Request, intended: float) -> bytes | None:
        """Send, count, remember; the body of an answer that was as expected."""
        started = time.monotonic()
        kind, surprise, body = await self._exchange(request)
        ended = time.monotonic()
        self.tally.count(name, kind, ended - intended, surprise)
        if request.target is not None and kind != "4xx":
            self.acknowledged.record(request.target, request.value, started, ended, acknowledged=kind == "2xx")
        return body if surprise is None else None

    async def _exchange(self, request: Request) -> tuple[str, str | None, bytes]:
        """The class of the answer, what was wrong with it, and its body."""
        assert self._session is not None
        headers = {"Authorization": f"Bearer {request.client.token}"} if request.client else {}
        try:
            async with self._session.request(
                request.method, self.url + request.path, params=request.params, json=request.body, headers=headers
            ) as answer:
                body = await answer.read()
        except TimeoutError:
            return "timeout", f"{request.method} {request.path}: no answer within {self.timeout:g} s", b""
        except (aiohttp.ClientError, OSError) as error:
            return "network", f"{request.method} {request.path}: {type(error).__name__}: {error}", b""
        fine = answer.status in request.expected
        surprise = None if fine else f"{request.method} {request.path}: {answer.status} {body[:200]!r}"
        return f"{answer.status // 100}xx", surprise, body


def live_line(snapshot: dict[str, Any]) -> str:
    """One line on how it goes."""
    classes = " ".join(f"{name} {count}" for name, count in snapshot["classes"].items() if count)
    latency = snapshot["latency_ms"]
    return (
        f"{snapshot['seconds']:6.1f} s  sent {snapshot['sent']}  {classes}  unexpected {snapshot['unexpected']}  "
        f"p50 {latency['p50']:.0f} ms  p95 {latency['p95']:.0f} ms"
    )


def table(snapshot: dict[str, Any]) -> Table:
    """The final table."""
    seen = [name for name in CLASSES if snapshot["classes"][name]]
    result = Table(title="latencies in milliseconds from the intended start")
    result.add_column("operation", no_wrap=True)
    for name in (*seen, "unexpected", "p50", "p95", "p99", "max"):
        result.add_column(name, justify="right")
    lines = {**snapshot["operations"], "all": snapshot}
    for name, line in lines.items():
        counts = [str(line["classes"].get(kind, 0) or "") for kind in seen]
        latencies = (f"{ms:.1f}" for ms in line["latency_ms"].values())
        result.add_row(name, *counts, str(line["unexpected"] or ""), *latencies)
    return result


async def _run(generator: LoadGenerator, seconds: float, quiet: bool) -> None:
    await generator.start()
    try:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            await asyncio.sleep(min(1.0, left))
            if not quiet:
                # On a terminal the line is written over, in a log each second has its own.
                start, end = ("\r\033[K", "") if sys.stderr.isatty() else ("", "\n")
                print(start + live_line(generator.snapshot()), end=end, file=sys.stderr, flush=True)
    finally:
        await generator.stop()


@click.command()
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Where to send.")
@click.option("--rate", default=50.0, show_default=True, type=click.FloatRange(0, min_open=True), help="Per second.")
@click.option("--seconds", default=30.0, show_default=True, help="How long.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same requests.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON, and no live line.")
def main(url: str, rate: float, seconds: float, seed: int, as_json: bool) -> None:
    """Send a realistic mix of requests; JWT_SECRET must be the backends'."""
    secret = os.environ.get("JWT_SECRET")
    if not secret:
        raise click.ClickException("set JWT_SECRET to the backends' secret")
    generator = LoadGenerator(url, rate=rate, jwt_secret=secret, seed=seed)
    asyncio.run(_run(generator, seconds, as_json))
    if as_json:
        print(json.dumps(generator.snapshot(), indent=2))
    else:
        print(file=sys.stderr)
        Console().print(table(generator.snapshot()))


if __name__ == "__main__":
    main()
