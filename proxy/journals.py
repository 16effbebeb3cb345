"""Opens the journal for a process of the deployment; a key that is missing is told before anything runs."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import structlog

from proxy.config import Config
from proxy.errors import CutoverError, StoreUnavailable
from proxy.store import Store
from proxy.surroundings import JOURNAL_KEYS, Surroundings
from shadow.dualwrite.journal import PostgresJournal
from shadow.dualwrite.sealing import MissingKey
from shadow.dualwrite.session import JournalUnavailable

J = TypeVar("J", bound=PostgresJournal)
log = structlog.get_logger("journal")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


async def opened(kind: type[J], purpose: str, config: Config, around: Surroundings, presence: int = 0) -> J:
    """The journal with all its tables. Raises StoreUnavailable, or CutoverError if a key is missing."""
    store = Store(around.database)
    try:
        await store.prepare(config)  # the journal's lock is the control row
        return await kind.open(around.database, around.keyring(), purpose, presence)
    except MissingKey as error:
        raise CutoverError(
            f"{error}. Give them all in {JOURNAL_KEYS} (`id:base64,…`, the current one first): without them what was "
            "written cannot be brought to the other side"
        ) from error
    except JournalUnavailable as error:
        raise StoreUnavailable(str(error)) from error
    finally:
        await store.close()


async def opened_at_last(
    kind: type[J], purpose: str, config: Config, around: Surroundings, stop: asyncio.Event, presence: int = 0
) -> J | None:
    """The same, waiting for PostgreSQL as long as it takes; None if `stop` came first."""
    pause = _FIRST_PAUSE
    while not stop.is_set():
        try:
            return await opened(kind, purpose, config, around, presence)
        except StoreUnavailable as error:
            log.warning("journal_unavailable", error=str(error), again_in=pause)
        try:
            await asyncio.wait_for(stop.wait(), timeout=pause)
        except TimeoutError:
            pause = min(_LONGEST_PAUSE, pause * 2)
    return None


async def check(config: Config, around: Surroundings) -> None:
    """Raises CutoverError if a key is missing. A PostgreSQL that is away is waited for by those who need it."""
    try:
        journal = await opened(PostgresJournal, "check", config, around)
    except StoreUnavailable as error:
        log.warning("journal_not_checked", error=str(error))
    else:
        await journal.close()
