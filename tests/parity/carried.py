"""Every write on the active backend, and then what the route table says of it: whether that is all that it did.

The database itself notes every row that changes. So a row that a write touches and no lane of it reaches is seen, and a
refusal that did something; then the copy goes to the standby, as the replayer sends it, and its rows are carried.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import aiohttp
import orjson
import psycopg
from psycopg.types.json import Jsonb
from yarl import URL

from migration.carry import Carrier
from migration.errors import RowsError
from migration.kinds import Side
from migration.lanes import Wider, covered
from migration.mappings import ROTC
from proxy.config import read
from proxy.config.routes import RouteClass
from proxy.edge.clients import claims_of
from proxy.edge.routing import Matched, RouteTable, parameters
from shadow.answer import Answer
from shadow.compare.diff import Limits
from shadow.compare.rules import RuleBook
from shadow.dualwrite import entry as journal
from shadow.dualwrite.copies import CopySender, copy_of
from shadow.dualwrite.judgement import judged
from shadow.dualwrite.lanes import lanes_of
from shadow.dualwrite.minting import Hs256Minter
from shadow.dualwrite.ordering import conflict
from shadow.dualwrite.pinning import Unpinnable, pins_of, sequence_value
from shadow.sender import Target
from stack.exchange import Outcome as Answered
from stack.request import Request
from stack.whole.actor import Journey, Open, Opened
from tests.parity.stage import CONFIG, SECRET, Pair
from tests.parity.twins import Until

WITHIN = 20.0
LARGEST = 16 * 1024 * 1024
LIMITS = Limits.of(20.0, LARGEST)
_NOTE = """
CREATE TABLE noted_change (number bigserial, at_table text, was jsonb, became jsonb);
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO noted_change (at_table, was, became) VALUES (TG_TABLE_NAME,
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL;
END $$;
"""


@dataclass(frozen=True)
class Change:
    """A row as it was and as it became; None where there is none."""

    table: str
    was: Any
    became: Any

    @property
    def row(self) -> tuple[str, str]:
        """Its table and its key."""
        row = self.was or self.became
        return self.table, "/".join(str(row[name]) for name in ROTC.table(self.table).key)

    @property
    def is_background(self) -> bool:
        """Made by a report's job, which no request waits for: the reconciler's business."""
        if self.table == "reports":
            return self.was is not None
        return "-report." in str(self.became) or "Report ready" in str(self.became)


@dataclass
class Found:
    """What was seen that should not be, and how often each operation was tried."""

    operations: Counter[str] = field(default_factory=Counter)
    wrote: Counter[str] = field(default_factory=Counter)
    unreached: list[str] = field(default_factory=list)
    not_refused: list[str] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)
    refused_there: list[str] = field(default_factory=list)
    """Operations whose copy the new backend refused: parked, or carried as rows."""
    carried_after_request: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    touched: dict[tuple[str, str], list[tuple[str, tuple[str, ...]]]] = field(default_factory=dict)
    """By row: who changed it, and in which lanes."""

    def apart(self) -> list[str]:
        """Writes that changed the same row and could have been replayed in another order."""
        return [
            f"{row}: {one} in {lanes} and {other} in {others}"
            for row, writes in self.touched.items()
            for number, (one, lanes) in enumerate(writes)
            for other, others in writes[:number]
            if not conflict(lanes, others)
        ]


class Carried:
    """Both backends, the one active and the other its standby."""

    def __init__(self, pair: Pair, active: str = "node") -> None:
        config = read(CONFIG, {})
        self._active, standby = active, config.other(active)
        self._side = Side.OLD if active == "node" else Side.NEW
        urls = {"node": pair.settings.node_url, "django": pair.settings.django_url}
        self.found = Found()
        self._table = RouteTable(config.routes, ignore_case=config.ignore_case)
        self._rules = RuleBook(config.compare.rules)
        self._url = urls[active]
        self._target = Target(standby, urls[standby], cooperates=standby == "django")
        databases = {"node": pair.settings.node_database, "django": pair.settings.django_database}
        self._database = databases[active]
        self._sender = CopySender(timeout=30, body_limit=LARGEST, connections=2, secret=SECRET, databases=databases)
        self._minter = Hs256Minter({standby: SECRET.encode()})
        self._carrier = Carrier(databases, ROTC)

    async def __aenter__(self) -> Carried:
        timeout = aiohttp.ClientTimeout(total=60)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        self._rows = psycopg.connect(self._database, autocommit=True)
        self._rows.execute(_NOTE)
        for table in ROTC.tables:
            trigger = f"AFTER INSERT OR UPDATE OR DELETE ON {table.name} FOR EACH ROW EXECUTE FUNCTION note_change()"
            self._rows.execute(f"CREATE TRIGGER noted {trigger}".encode())
        return self

    async def __aexit__(self, *_: object) -> None:
        for table in ROTC.tables:
            self._rows.execute(f"DROP TRIGGER noted ON {table.name}".encode())
        self._rows.execute("DROP TABLE noted_change")
        self._rows.execute("DROP FUNCTION note_change")
        self._rows.close()
        self._carrier.close()
        await self._sender.close()
        await self._session.close()

    def level(self) -> None:
        """Begin with equal rows on both sides."""
        self._carry(("",))

    async def walk(self, name: str, journey: Journey) -> None:
        """One errand, to its end or to the first answer that it cannot go on with."""
        answer: Any = None
        try:
            while True:
                answer = await self._step(journey.send(answer))
        except StopIteration:
            return
        except (LookupError, TypeError) as error:
            self.found.stopped.append(f"{name}: {error!r} after {answer}"[:400])
        finally:
            journey.close()

    async def _step(self, step: Any) -> Any:
        if isinstance(step, Open):
            return Opened(0, step.operation, step.client.role)
        if isinstance(step, Until):
            async with asyncio.timeout(WITHIN):
                while not step.holds(found := await self.ask(step.request)):
                    await asyncio.sleep(0.05)
            return found
        if isinstance(step, list):
            return [await self.ask(request) for request in step]
        return await self.ask(step) if isinstance(step, Request) else None

    async def ask(self, request: Request) -> Any:
        """Send one request to the active side, and look at what it did if it is a write; the document it answered."""
        path = request.path if request.path.startswith("/") else f"/api/v1/{request.path}"
        route = self._table.match(request.method, path)
        if route.kind is RouteClass.WRITE:
            self._rows.execute("DELETE FROM noted_change")
        answer = await self._send(request, path)
        if route.kind is RouteClass.WRITE:
            await self._written(request, path, route, answer)
        return Answered("", None, answer.status, answer.body).document

    async def _send(self, request: Request, path: str) -> Answer:
        payload, where = request.payload(), f"{self._url}{path}"
        async with self._session.request(
            request.method, URL(where, encoded=True).update_query(request.params or None),
            data=BytesIO(payload.data) if payload else None, headers=dict(_fields(request)), allow_redirects=False,
        ) as answer:  # fmt: skip
            return Answer(answer.status, answer.raw_headers, await answer.read())

    # ---- a write

    async def _written(self, request: Request, path: str, route: Matched, answer: Answer) -> None:
        self.found.operations[request.operation] += 1
        changes = [change for change in self._changes() if not change.is_background]
        told = f"{request.method} {path} {_body(request)[:80]!r} → {answer.status}"
        refused = answer.status < 500 or self._active in route.write.refuses_with_500
        if answer.status >= 400 and refused:
            self.found.not_refused += [f"{told} changed {change}" for change in changes]
            return
        self.found.wrote[request.operation] += bool(changes)
        claims = claims_of(f"Bearer {request.bearer()}".encode()) if request.bearer() else None
        lanes = lanes_of(route.write.lanes, parameters(route, path), _body(request), claims)
        self.found.unreached += [f"{told} in {lanes} changed {change}" for change in self._beyond(lanes, changes)]
        for change in changes:
            self.found.touched.setdefault(change.row, []).append((told, lanes))
        entry = self._entry(request, path, route, lanes, answer, claims)
        taken = answer.status < 400 and route.write.carry != "rows" and await self._copied(told, entry, route)
        # A report's job may have changed these meanwhile, which was nobody's request.
        others = {"reports", "files", "notifications"} - {change.table for change in changes}
        rows = {table: count for table, count in self._carry(lanes).items() if table not in others}
        if taken and route.write.carry == "request" and rows:
            self.found.carried_after_request.append(f"{told}: {rows}")

    def _changes(self) -> Iterator[Change]:
        return (Change(*row) for row in self._rows.execute("SELECT at_table, was, became FROM noted_change").fetchall())

    def _beyond(self, lanes: tuple[str, ...], changes: list[Change]) -> Iterator[Change]:
        """The changes of rows that are in none of the lanes, neither as they were nor as they became."""
        reached = covered(ROTC, lanes, self._side)
        for change in changes:
            rows = [row for row in (change.was, change.became) if row is not None]
            conditions = reached.get(change.table, ("FALSE",))
            if not any(self._holds(change.table, row, conditions) for row in rows):
                yield change

    def _holds(self, table: str, row: Any, conditions: tuple[str, ...]) -> bool:
        chosen = " OR ".join(f"({one})" for one in conditions) or "TRUE"
        query = f"SELECT {chosen.replace('%', '%%')} FROM jsonb_populate_record(NULL::{table}, %s) r"
        found = self._rows.execute(query.encode(), [Jsonb(row)]).fetchone()
        return bool(found and found[0])

    def _entry(
        self, request: Request, path: str, route: Matched, lanes: tuple[str, ...], answer: Answer, claims: Any
    ) -> journal.Entry:
        fields = tuple((name.lower().encode(), value.encode()) for name, value in _fields(request))
        sent = journal.Request(request.method, path.encode(), b"localhost", fields, _body(request))
        actor = None if claims is None else orjson.dumps(claims).decode()
        now = datetime.now(UTC).timestamp()
        return journal.Entry(
            1, uuid.uuid4().hex, 1, self._active, self._target.name, route.name, lanes, now, now,
            0, journal.State.DONE, completion=1, actor=actor, request=sent, answer=answer,
        )  # fmt: skip

    async def _copied(self, told: str, entry: journal.Entry, route: Matched) -> bool:
        """Whether the standby took a copy."""
        if route.write.carry == "both" and not self._target.cooperates:
            return False
        try:
            pins = pins_of(route.write, entry.answer, actor=entry.actor, at_time=entry.at)
            drawn = None if self._target.cooperates else sequence_value(route.write, pins)
        except Unpinnable:
            return False
        now = datetime.now(UTC)
        claims = None if entry.actor is None else orjson.loads(entry.actor)
        token = self._minter.mint(claims, self._target, now.timestamp())
        if drawn is not None:
            await self._sender.set_sequence(self._target, *drawn)
        heard = await self._sender.send(copy_of(entry, self._target, pins=pins, authorization=token), self._target)
        status = entry.answer.status if entry.answer else 0
        rules = self._rules.of(entry.route, (status, heard.status), now.date())
        state, why = judged(entry.answer, heard, route.write, rules, LIMITS)
        if state is journal.State.APPLIED:
            return heard.status < 400
        if heard.status >= 400:
            self.found.refused_there.append(told.partition(" b")[0])
        else:
            self.found.unlike.append(f"{told}: {heard.status} {heard.body[:200]!r}: {why}")
        return heard.status < 400

    def _carry(self, lanes: tuple[str, ...]) -> dict[str, int]:
        for _ in range(5):
            try:
                return self._carrier.carry(lanes, self._active, self._target.name).rows
            except Wider as wider:
                lanes = (*lanes, *wider.lanes)
        raise RowsError(f"the rows of {lanes} hang on ever more")


def _body(request: Request) -> bytes:
    payload = request.payload()
    return payload.data if payload else b""


def _fields(request: Request) -> Iterator[tuple[str, str]]:
    payload, bearer = request.payload(), request.bearer()
    if bearer:
        yield "Authorization", f"Bearer {bearer}"
    if payload is not None and payload.kind:
        yield "Content-Type", payload.kind
