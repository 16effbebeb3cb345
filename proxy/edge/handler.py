"""The story of one request: arrives → is routed → is forwarded or written → is captured → is mirrored → is counted."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

import structlog

from proxy.config.model import Config
from proxy.config.routes import RouteClass
from proxy.edge.access import log_access
from proxy.edge.arrived import Arrived, ClientGone, Done
from proxy.edge.availability import Availability
from proxy.edge.capture import Tap
from proxy.edge.clients import client_key, new_cookie
from proxy.edge.forwarding import Answered, Call, Refused, Timeouts, forward, is_repeatable
from proxy.edge.head import Head, Refusal, read_head
from proxy.edge.headers import (
    Field,
    Hop,
    came_through,
    first_value,
    is_trusted,
    request_fields,
    request_id_of,
    trace_parent_of,
)
from proxy.edge.outcomes import not_admitted
from proxy.edge.pages import RETRY_AFTER, page
from proxy.edge.pending import Pending
from proxy.edge.routing import Decision, Matched, RouteTable, copies, decide, held_home
from proxy.edge.tally import Tally
from proxy.edge.underway import Side as WriteSide
from proxy.edge.upstream import Pool
from proxy.edge.websocket import tunnel
from proxy.edge.writing import Moved, Writes
from proxy.feed import Feed
from shadow.connection import UpstreamError
from shadow.dualwrite.admission import Why
from shadow.exchange import Exchange
from shadow.mirroring import Mirror
from shadow.plan import Skip

log = structlog.get_logger("edge")

_MOVES = 3  # changes of roles that one write may see before it is admitted
_MOVED_WITHIN = 2.0  # seconds until this edge has to have heard of a change that the journal knows of
CLIENT_CLOSED = 499  # as nginx logs a client that left before its answer
_LOOP = Refusal(508, "LOOP_DETECTED", "This request has already passed this edge.")
_FAULT = Refusal(500, "INTERNAL_ERROR", "The edge failed to handle this request.")


@dataclass(slots=True)
class Side:
    """What the edge holds for one backend."""

    http: Pool
    ws: Pool
    timeouts: Timeouts
    availability: Availability = field(default_factory=Availability)


class Edge:
    """Handles requests. One per process; `handle` is what the server calls."""

    def __init__(
        self,
        config: Config,
        feed: Feed,
        mirror: Mirror,
        tally: Tally,
        pseudonym: bytes,
        writes: Writes | None = None,
        pending: Pending | None = None,
    ) -> None:
        self._config = config
        self._routes = RouteTable(config.routes, ignore_case=config.ignore_case)
        self._networks = [ip_network(network) for network in config.trusted_proxies]
        self._feed = feed
        self._mirror = mirror
        self._tally = tally
        self._pseudonym = pseudonym
        self._writes = writes
        self._pending = pending
        self._challenger = config.names[1]
        self._access = structlog.get_logger("access").bind()  # bound once: the lazy one binds itself for every line
        self.sides = {name: _side(name, config) for name in config.names}

    def use(self, config: Config) -> None:
        """Go by another configuration in what can change without a restart: routes, stickiness, limits, logging."""
        self._routes = RouteTable(config.routes, ignore_case=config.ignore_case)
        self._networks = [ip_network(network) for network in config.trusted_proxies]
        self._config = config
        self._mirror.use(config.mirror)

    def close(self) -> None:
        """Close every connection to the backends."""
        for side in self.sides.values():
            side.http.close()
            side.ws.close()

    async def handle(self, arrived: Arrived) -> Done:
        """One request, to its end. Never raises but ConnectionError, when the client is gone."""
        started = time.perf_counter()  # uvloop's clock only knows milliseconds
        message = arrived.message
        version = (message.version.major, message.version.minor)
        head = read_head(message.method, message.path, version, message.raw_headers, self._config.limits.body)
        if isinstance(head, Refusal):
            return self._refused(arrived, head, message.method != "HEAD")
        if came_through(head.fields, self._pseudonym):
            return self._refused(arrived, _LOOP, head.method != "HEAD")
        hop = self._hop(arrived, head)
        decision, extra = await self._decided(head)
        call = Call(arrived, head, request_fields(head, hop), self._config.limits, self._tap(decision, hop), extra)
        served, answered = await self._answered(call, decision, hop)
        seconds = time.perf_counter() - started
        self._tally.answered(served, decision, answered, seconds)
        if self._config.log.access:
            log_access(self._access, head, hop, decision, served, answered, seconds)
        self._captured(call, decision, served, answered, hop, seconds)
        if answered.client_gone:
            raise ConnectionResetError("the client is gone")
        return Done(answered.keep_alive)

    def _hop(self, arrived: Arrived, head: Head) -> Hop:
        peer = arrived.client.peer
        trace_parent = trace_parent_of(head.fields)
        return Hop(
            peer=peer,
            trusted=is_trusted(peer, self._networks),
            request_id=request_id_of(head.fields) or b"%032x" % random.getrandbits(128),
            trace_parent=trace_parent
            or b"00-%032x-%016x-00" % (random.getrandbits(128) | 1, random.getrandbits(64) | 1),
            traced=trace_parent is not None,
            pseudonym=self._pseudonym,
        )

    async def _decided(self, head: Head) -> tuple[Decision, list[Field]]:
        """The decision, and the fields that go with the answer because of it."""
        config, state = self._config, self._feed.state
        extra: list[Field] = []
        route = self._routes.match(head.method, head.path)
        if head.websocket:
            route = Matched(route.name, RouteClass.SKIP, mirror=False)  # it writes, so the active side has it
        client = client_key(head.fields, config.sticky)
        if client is None and config.sticky.issue_cookie and not head.websocket:
            value = new_cookie()
            client = f"cookie:{value}"
            cookie = f"{config.sticky.cookie}={value}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
            extra.append((b"Set-Cookie", cookie.encode()))
        decision = self._routed(route, client)
        if decision.backend != state.active and (why := await self._why_home(decision)) is not None:
            decision = held_home(decision, state, why)
        self._tally.decided(decision, state)
        if config.debug_header and first_value(head.fields, b"x-cutover-debug"):
            extra += [
                (b"X-Cutover-Backend", decision.backend.encode()),
                (b"X-Cutover-Reason", decision.reason.encode()),
            ]
        return decision, extra

    def _routed(self, route: Matched, client: str | None) -> Decision:
        return decide(
            route,
            client,
            self._feed.state,
            challenger=self._challenger,
            shared=self._config.data == "shared",
            journal=self._writes is not None,
        )

    async def _why_home(self, decision: Decision) -> str | None:
        """Why the active side answers what the weight gave to the standby; None if it need not."""
        down = self.sides[decision.backend].availability.down(asyncio.get_running_loop().time())
        if down is not None or self._pending is None or decision.client is None:
            return down
        return await self._pending.why_home(decision.client)

    def _tap(self, decision: Decision, hop: Hop) -> Tap | None:
        route = decision.route
        skip = self._mirror.wants(
            request_id=hop.request_id.decode(),
            kind=route.kind.value,
            mirror=route.mirror,
            copies=copies(self._feed.state.phase),
        )
        return Tap(self._config.mirror.body_limit) if skip is None else None

    async def _answered(self, call: Call, decision: Decision, hop: Hop) -> tuple[str, Answered]:
        """Who answered, and how it ended. Whatever fails becomes an answer here."""
        with_body = call.head.method != "HEAD"
        served = decision.backend
        try:
            try:
                if decision.journaled and self._writes is not None:
                    return await self._written(call, decision, self._writes, hop)
                if decision.route.kind is RouteClass.WRITE:
                    return served, await self._past_the_journal(call, decision)
                return served, await self._ask(call, served, decision)
            except UpstreamError as error:
                self._failed(served, decision, error)
                if decision.fallback is None or not is_repeatable(call.head):
                    raise
                served = decision.fallback
                return served, await self._ask(call, served, decision)
        except UpstreamError as error:
            if served != decision.backend:
                self._failed(served, decision, error)
            return served, self._page(call, _page_of(error), with_body, hop)
        except Refused as refused:
            return served, self._page(call, refused.refusal, with_body, hop)
        except (ClientGone, ConnectionError):
            return served, Answered(CLIENT_CLOSED, whole=False, client_gone=True, keep_alive=False)
        except Exception:
            log.exception("edge_fault", request_id=hop.request_id.decode(), route=decision.route.name)
            return served, self._page(call, _FAULT, with_body, hop)

    async def _written(self, call: Call, decision: Decision, writes: Writes, hop: Hop) -> tuple[str, Answered]:
        """A write through the journal; when the roles change before it is admitted, it goes to the new active side."""
        for _ in range(_MOVES):
            side, backend = self.sides[decision.backend], self._config.backends[decision.backend]
            refusals = backend.refusals if decision.backend in decision.route.write.refuses_with_500 else ()
            to = WriteSide(side.http, side.timeouts, backend.cooperates, refusals)
            try:
                answered = await writes.serve(call, decision, to)
            except Moved:
                if not await self._feed.newer_than(decision.epoch, _MOVED_WITHIN):
                    break
                decision = self._routed(decision.route, decision.client)
                if not decision.journaled:
                    return decision.backend, await self._past_the_journal(call, decision)
                continue
            except UpstreamError as error:
                self._failed(decision.backend, decision, error)
                return decision.backend, self._page(call, _page_of(error), call.head.method != "HEAD", hop)
            if not answered.own:
                side.availability.answered()
            return decision.backend, answered
        raise Refused(not_admitted(Why.STALE_EPOCH))

    async def _past_the_journal(self, call: Call, decision: Decision) -> Answered:
        self._tally.unjournaled += 1
        try:
            return await self._ask(call, decision.backend, decision)
        finally:
            self._tally.unjournaled -= 1

    async def _ask(self, call: Call, name: str, decision: Decision) -> Answered:
        side = self.sides[name]
        if call.head.websocket:
            answered = await tunnel(call, side.ws, side.timeouts)
        else:
            timeouts = side.timeouts
            if decision.fallback is not None and name != decision.fallback and is_repeatable(call.head):
                timeouts = replace(timeouts, patience=self._config.fallback_after)
            answered = await forward(call, side.http, timeouts)
        if answered.error is not None:
            self._failed(name, decision, answered.error)
        else:
            side.availability.answered()
        return answered

    def _failed(self, name: str, decision: Decision, error: UpstreamError) -> None:
        self.sides[name].availability.failed(asyncio.get_running_loop().time())
        self._tally.failed(name, decision, error)
        log.warning("backend_failed", backend=name, route=decision.route.name, fault=error.fault.name.lower(),
                    detail=error.detail)  # fmt: skip

    def _captured(
        self, call: Call, decision: Decision, served: str, answered: Answered, hop: Hop, seconds: float
    ) -> None:
        tap = call.tap
        if tap is None:
            return
        skip = _not_mirrored(tap, answered)
        if skip is not None:
            self._mirror.skipped(skip)
            return
        state, head = self._feed.state, call.head
        self._mirror.offer(
            Exchange(
                id=hop.request_id.decode(),
                at=time.time() - seconds,
                seconds=seconds,
                epoch=state.epoch,
                active=state.active,
                served=served,
                mirrored=self._config.other(served),
                route=decision.route.name,
                kind=decision.route.kind.value,
                method=head.method,
                target=head.target,
                host=head.host or b"",
                headers=tuple(call.fields),
                body=tap.request_body,
                status=tap.status,
                answer_headers=tuple(tap.answer_fields),
                answer_body=tap.answer_body,
            )
        )

    def _refused(self, arrived: Arrived, refusal: Refusal, with_body: bool) -> Done:
        self._tally.refused(refusal.status)
        log.info("request_refused", status=refusal.status, code=refusal.code, peer=arrived.client.peer)
        arrived.client.write(page(refusal, with_body=with_body))
        return Done(keep_alive=False)

    def _page(self, call: Call, refusal: Refusal, with_body: bool, hop: Hop) -> Answered:
        client = call.arrived.client
        if client.answering:  # a page in the middle of an answer would be taken for a part of it
            client.abort()
            return Answered(refusal.status, whole=False, keep_alive=False)
        keep_alive = call.keep_alive and call.arrived.body.is_eof()
        written = page(refusal, with_body=with_body, close=not keep_alive, request_id=hop.request_id)
        try:
            client.write(written)
        except ConnectionError:
            return Answered(refusal.status, whole=False, client_gone=True, keep_alive=False)
        return Answered(refusal.status, own=True, keep_alive=keep_alive)


def _side(name: str, config: Config) -> Side:
    backend = config.backends[name]
    return Side(
        http=Pool(name, backend.url, backend),
        ws=Pool(name, backend.ws or backend.url, backend),
        timeouts=Timeouts(backend.answer_timeout, backend.idle_timeout),
    )


def _page_of(error: UpstreamError) -> Refusal:
    fields = (RETRY_AFTER,) if error.fault.status == 503 else ()
    return Refusal(error.fault.status, error.fault.name, f"The server behind this address {error.fault.text}.", fields)


def _not_mirrored(tap: Tap, answered: Answered) -> Skip | None:
    if answered.client_gone:
        return Skip.CLIENT_GONE
    if answered.own or not answered.whole:
        return Skip.ANSWER_BROKEN
    return Skip.TOO_LARGE if tap.too_large else None
