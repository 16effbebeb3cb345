"""What verbs need that make writes stand still: a connection to the store, and a word to the control."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from proxy.cli.client import Control
from proxy.cli.direction import store_url
from proxy.errors import CutoverError
from proxy.release.joining import Joining
from proxy.release.standstill import standstill

WHY = "a copy is joined to the journal"


def joined_copy(config: Path | None, stack: ExitStack) -> Joining:
    """A copy for which every edge journals already. Raises CutoverError."""
    control = Control(None, config)
    joining = Joining(
        stack.enter_context(_store(config)), lambda: control.ask("POST", "/api/start", {"empty": True, "reason": WHY})
    )
    joining.begin()
    return joining


@contextmanager
def settled(config: Path | None) -> Iterator[int]:
    """For the block, which has to be short, no write is under way and the standby has all of them."""
    with held(config, settled=True) as position:
        yield position


@contextmanager
def held(config: Path | None, *, settled: bool) -> Iterator[int]:
    """For the block, which has to be short, no write is under way; gives the journal's position there."""
    with _store(config) as connection, standstill(connection, settled=settled) as still:
        yield still.completion


@contextmanager
def _store(config: Path | None) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    try:
        with psycopg.connect(
            store_url(config), autocommit=True, connect_timeout=5, application_name="cutover joining"
        ) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise CutoverError(f"the store cannot be reached: {' '.join(str(error).split())}") from error
