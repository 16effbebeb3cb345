"""The control API. All routes are in one block; every handler reads, asks and answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from proxy import metrics
from proxy.config import Config
from proxy.control import findings
from proxy.control.auth import Role, Tokens
from proxy.control.dashboard import add_dashboard
from proxy.control.journal import JournalView
from proxy.control.journal_api import JournalApi
from proxy.control.openapi import document
from proxy.control.operations import By, Operations, Outcome
from proxy.control.problems import Forbidden, Invalid, Missing, Unauthorized, answer, as_json
from proxy.control.redaction import shown
from proxy.control.requests import Asked, PinAsked, RearmAsked, StartAsked, UnpinAsked, WeightAsked, body, by, number
from proxy.control.status import status, told
from proxy.errors import StoreUnavailable
from proxy.health import HealthProbe
from proxy.store import Event, Store
from shadow.compare.reports import Reports

Handler = Callable[[web.Request], Awaitable[web.Response]]
LARGEST_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Api:
    """The handlers, with all that they need."""

    config: Config
    store: Store
    probe: HealthProbe
    tokens: Tokens
    reports: Reports | None
    journal: JournalView | None = None

    def application(self) -> web.Application:
        """The application with all of its routes."""
        app = web.Application(middlewares=[as_json], client_max_size=LARGEST_BODY)
        viewer, operator = Role.VIEWER, Role.OPERATOR
        app.router.add_route("GET", "/api/status", self._for(viewer, self.get_status))
        app.router.add_route("GET", "/api/history", self._for(viewer, self.get_history))
        app.router.add_route("GET", "/api/diffs", self._for(viewer, self.get_diffs))
        app.router.add_route("GET", "/api/diffs/{id}", self._for(viewer, self.get_diff))
        app.router.add_route("GET", "/api/pins", self._for(viewer, self.get_pins))
        app.router.add_route("GET", "/api/config", self._for(viewer, self.get_config))
        app.router.add_route("GET", "/api/openapi.json", self._for(viewer, self.get_openapi))
        app.router.add_route("PUT", "/api/weight", self._for(operator, self.put_weight))
        app.router.add_route("PUT", "/api/pins", self._for(operator, self.put_pin))
        app.router.add_route("DELETE", "/api/pins", self._for(operator, self.delete_pin))
        app.router.add_route("POST", "/api/start", self._for(operator, self.post_start))
        app.router.add_route("POST", "/api/stop", self._for(operator, self.post_stop))
        app.router.add_route("POST", "/api/rearm", self._for(operator, self.post_rearm))
        JournalApi(self.journal, self.store).add(app, self._for)
        app.router.add_route("GET", "/metrics", self.get_metrics)
        app.router.add_route("GET", "/healthz", self.get_healthz)
        app.router.add_route("GET", "/readyz", self.get_readyz)
        add_dashboard(app)
        return app

    async def get_status(self, request: web.Request) -> web.Response:
        page = await status(self.config, self.store, self.probe, self.reports, self.journal)
        return answer(page, headers={"ETag": f'"{page["state"]["version"]}"'})

    async def get_history(self, request: web.Request) -> web.Response:
        limit = number(request, "limit", 50, 500)
        before = number(request, "before", 2**63 - 1, 2**63 - 1)
        return answer({"history": [_event(event) for event in await self.store.history(limit, before)]})

    async def get_diffs(self, request: web.Request) -> web.Response:
        limit, offset = number(request, "limit", 50, 500), number(request, "offset", 0, 1_000_000)
        return answer(await findings.listed(self._ledger(), request.query.get("route"), limit, offset))

    async def get_diff(self, request: web.Request) -> web.Response:
        found = await findings.one(self._ledger(), request.match_info["id"])
        if found is None:
            raise Missing(f"there is no difference with the id {request.match_info['id']!r}")
        return answer(found)

    async def get_pins(self, request: web.Request) -> web.Response:
        state = await self.store.load()
        return answer({"pins": dict(state.pins)}, headers={"ETag": f'"{state.version}"'})

    async def get_config(self, request: web.Request) -> web.Response:
        return answer(shown(self.config))

    async def get_openapi(self, request: web.Request) -> web.Response:
        return answer(document())

    async def put_weight(self, request: web.Request) -> web.Response:
        asked = await body(request, WeightAsked)
        given = asked.model_fields_set & {"share", "weights"}
        if len(given) != 1:
            raise Invalid("expected either share (of the standby, in percent) or weights (percent by backend's name)")
        shares = asked.weights if "weights" in given else asked.share
        return _outcome(await self._operations().weight(_by(request, asked), shares, asked.route))

    async def put_pin(self, request: web.Request) -> web.Response:
        asked = await body(request, PinAsked)
        return _outcome(await self._operations().pin(_by(request, asked), asked.key, asked.backend))

    async def delete_pin(self, request: web.Request) -> web.Response:
        asked = await body(request, UnpinAsked)
        return _outcome(await self._operations().unpin(_by(request, asked), asked.key))

    async def post_start(self, request: web.Request) -> web.Response:
        asked = await body(request, StartAsked)
        if self.journal is not None:
            await self.journal.usable()
        return _outcome(await self._operations().start(_by(request, asked), asked.empty))

    async def post_stop(self, request: web.Request) -> web.Response:
        return _outcome(await self._operations().stop(_by(request, await body(request, Asked))))

    async def post_rearm(self, request: web.Request) -> web.Response:
        return _outcome(await self._operations().rearm(_by(request, await body(request, RearmAsked))))

    async def get_metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})

    async def get_healthz(self, request: web.Request) -> web.Response:
        return answer({"status": "ok"})

    async def get_readyz(self, request: web.Request) -> web.Response:
        try:
            await self.store.load()
        except StoreUnavailable as error:
            return answer({"ready": False, "reason": str(error)}, 503)
        return answer({"ready": True, "reason": "the store answers"})

    def _for(self, least: Role, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.Response:
            role = self.tokens.role(request.headers.get("Authorization"))
            if role is None:
                raise Unauthorized("a valid token is needed: Authorization: Bearer …")
            if role < least:
                raise Forbidden("this token may look, but not change anything: use the operator's token")
            return await handler(request)

        return guarded

    def _operations(self) -> Operations:
        return Operations(self.config, self.store, self.probe.healthy)

    def _ledger(self) -> Reports:
        if self.reports is None:
            raise StoreUnavailable("this control has no ledger of mirrored requests")
        return self.reports


def _by(request: web.Request, asked: Asked) -> By:
    return by(request, asked.reason, Role.OPERATOR.name.lower())


def _outcome(outcome: Outcome) -> web.Response:
    page = {
        "dry_run": outcome.dry_run,
        "changed": outcome.changed,
        "was": told(outcome.before),
        "state": told(outcome.after),
        "notes": list(outcome.notes),
    }
    return answer(page, headers={"ETag": f'"{outcome.before.version if outcome.dry_run else outcome.after.version}"'})


def _event(event: Event) -> dict[str, object]:
    return {
        "id": event.id,
        "at": event.at,
        "version": event.version,
        "epoch": event.epoch,
        "kind": event.kind,
        "from": event.was,
        "to": event.became,
        "why": event.why,
        "who": event.who,
        "evidence": event.evidence,
    }
