"""The journal's part of the control API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from proxy.control.auth import Role
from proxy.control.journal import NEWEST, SHOWN, JournalView
from proxy.control.journal_changes import JournalChanges
from proxy.control.operations import By
from proxy.control.problems import Invalid, answer
from proxy.control.requests import Asked, EraseAsked, HealAsked, SkipAsked, body, by, number
from proxy.errors import Refused
from proxy.store import Store
from shadow.dualwrite.entry import State

Handler = Callable[[web.Request], Awaitable[web.Response]]


class JournalApi:
    """The handlers. Without a view every one of them is refused."""

    def __init__(self, view: JournalView | None, store: Store) -> None:
        self._view = view
        self._store = store

    def add(self, app: web.Application, guarded: Callable[[Role, Handler], Handler]) -> None:
        """Its routes. A single entry is the operator's: what it shows was encrypted for a reason."""
        viewer, operator, one = Role.VIEWER, Role.OPERATOR, "/api/journal/entries/{number}"
        app.router.add_route("GET", "/api/journal", guarded(viewer, self.get_journal))
        app.router.add_route("GET", "/api/journal/entries", guarded(viewer, self.get_entries))
        app.router.add_route("GET", one, guarded(operator, self.get_entry))
        app.router.add_route("POST", f"{one}/retry", guarded(operator, self.post_retry))
        app.router.add_route("POST", f"{one}/skip", guarded(operator, self.post_skip))
        app.router.add_route("POST", f"{one}/heal", guarded(operator, self.post_heal_entry))
        app.router.add_route("POST", "/api/journal/heal", guarded(operator, self.post_heal))
        app.router.add_route("POST", "/api/journal/erase", guarded(operator, self.post_erase))

    async def get_journal(self, request: web.Request) -> web.Response:
        view = self._used()
        return answer({**await view.summary(await self._store.load()), "needs": await view.needing()})

    async def get_entries(self, request: web.Request) -> web.Response:
        most, before = number(request, "limit", SHOWN, 500), number(request, "before", NEWEST, NEWEST)
        states, view = _states(request), self._used()
        if request.query.get("differed") == "1":
            return answer({"entries": await view.differing(most, before)})
        found = await view.entries(states, most, before) if states else await view.needing(most)
        return answer({"entries": found})

    async def get_entry(self, request: web.Request) -> web.Response:
        return answer(await self._used().entry(_number(request)))

    async def post_retry(self, request: web.Request) -> web.Response:
        asked = await body(request, Asked)
        return answer(await self._changes().retry(_by(request, asked), _number(request)))

    async def post_skip(self, request: web.Request) -> web.Response:
        asked = await body(request, SkipAsked)
        return answer(await self._changes().skip(_by(request, asked), _number(request)))

    async def post_heal_entry(self, request: web.Request) -> web.Response:
        by_whom = _by(request, await body(request, Asked))
        state = await self._store.load()
        return answer(await self._changes().heal(by_whom, state, _number(request), None))

    async def post_heal(self, request: web.Request) -> web.Response:
        asked = await body(request, HealAsked)
        state = await self._store.load()
        return answer(await self._changes().heal(_by(request, asked), state, None, asked.lane))

    async def post_erase(self, request: web.Request) -> web.Response:
        asked = await body(request, EraseAsked)
        return answer(await self._changes().erase(_by(request, asked), asked.client))

    def _used(self) -> JournalView:
        if self._view is None or not self._view.enabled:
            raise Refused("this deployment has no journal: it is off, or both backends share their data")
        return self._view

    def _changes(self) -> JournalChanges:
        return JournalChanges(self._used())


def _by(request: web.Request, asked: Asked) -> By:
    return by(request, asked.reason, Role.OPERATOR.name.lower())


def _number(request: web.Request) -> int:
    written = request.match_info["number"]
    if not written.isascii() or not written.isdigit() or int(written[:19]) > NEWEST:
        raise Invalid(f"expected the number of an entry, got {written[:30]!r}")
    return int(written)


def _states(request: web.Request) -> list[State]:
    known = {state.value for state in State}
    asked = [name for name in request.query.get("state", "").split(",") if name]
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise Invalid(f"state: expected some of {', '.join(sorted(known))}, got {', '.join(unknown)[:60]}")
    return [State(name) for name in asked]
