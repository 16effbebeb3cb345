"""What an edge knows of the release: asked of the store a few times a second, kept on disk for a start without it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import orjson
import structlog

from proxy.config.model import Config
from proxy.errors import StoreUnavailable
from proxy.state import ControlState, GuardState, Phase
from proxy.store import Beat, Store

log = structlog.get_logger("feed")

INTERVAL = 0.2  # seconds between two looks: how long a change may take to reach every edge
_BEAT_EVERY = 5  # looks


class Feed:
    """The newest state seen. While PostgreSQL is gone the last one stays in force (design.md section 8)."""

    def __init__(self, store: Store, state: ControlState, kept: Path) -> None:
        self.state = state
        self._store = store
        self._kept = kept
        self._lost = False
        self._changed = asyncio.Event()

    @classmethod
    async def begin(cls, store: Store, config: Config, directory: Path) -> Feed:
        """Start from the store; without it from what was last seen here; without that everything stays at home."""
        kept = directory / "state.json"
        try:
            state = await store.load()
        except StoreUnavailable as error:
            state = _remembered(kept, config) or _at_home(config)
            log.error("store_unavailable_at_start", error=str(error), active=state.active, phase=state.phase.value)
        return cls(store, state, kept)

    async def run(self, stop: asyncio.Event, edge: str, beat: Callable[[str, int], Beat]) -> None:
        """Follow the store until told to stop, and tell it once a second that this edge is alive."""
        looks = 0
        while not stop.is_set():
            await self._look()
            if looks % _BEAT_EVERY == 0:
                await self._beat(beat(edge, self.state.version))
            looks += 1
            try:
                await asyncio.wait_for(stop.wait(), timeout=INTERVAL)
            except TimeoutError:
                continue
        try:
            await self._store.leave(edge)
        except StoreUnavailable as error:
            log.info("left_unnoticed", error=str(error))

    def follow(self, state: ControlState) -> None:
        """Go by this state from now on."""
        self.state = state
        self._changed.set()
        self._changed = asyncio.Event()

    async def newer_than(self, epoch: int, within: float) -> bool:
        """Wait for a state of a later epoch; whether there is one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self.state.epoch <= epoch:
                    await self._changed.wait()
        return self.state.epoch > epoch

    async def _look(self) -> None:
        try:
            state = await self._store.load()
        except StoreUnavailable as error:
            if not self._lost:
                log.error("store_unavailable", error=str(error), going_on_with=self.state.version)
            self._lost = True
            return
        if self._lost:
            log.info("store_back", version=state.version)
        self._lost = False
        if state.version != self.state.version:
            self.follow(state)
            log.info("state", version=state.version, phase=state.phase.value, active=state.active, share=state.share)
            _remember(self._kept, state)

    async def _beat(self, beat: Beat) -> None:
        if self._lost:
            return
        try:
            await self._store.beat(beat)
        except StoreUnavailable as error:
            log.warning("beat_lost", error=str(error))


def _at_home(config: Config) -> ControlState:
    standby = config.other(config.active)
    return ControlState(version=-1, epoch=0, active=config.active, standby=standby, phase=Phase.RESTING)


def _remember(kept: Path, state: ControlState) -> None:
    fresh = kept.with_suffix(f".{os.getpid()}.new")
    try:
        document = {field.name: getattr(state, field.name) for field in fields(state)}
        document |= {"route_shares": dict(state.route_shares), "pins": dict(state.pins)}
        fresh.write_bytes(orjson.dumps(document))
        fresh.replace(kept)
    except OSError as error:
        log.warning("state_not_kept", error=str(error))


def _remembered(kept: Path, config: Config) -> ControlState | None:
    try:
        said = orjson.loads(kept.read_bytes())
        state = ControlState(**said | {"phase": Phase(said["phase"]), "guard": GuardState(said["guard"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("nothing_remembered", error=str(error))
        return None
    return state if {state.active, state.standby} == set(config.names) else None
