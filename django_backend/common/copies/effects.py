"""The one way out of the database: whatever the rest of the world notices passes here, and nothing of a copy does."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import transaction

from common.copies.current import is_copy

log = structlog.get_logger(__name__)


def after_commit(name: str, effect: Callable[[], object]) -> None:
    """Do `effect` when what this request wrote is committed; never for a copy, whose original has done it.

    The write stands by then. So a failure is logged, and is none of the request's.
    """
    if is_copy():
        log.debug("a copy has no side effects", effect=name)
        return

    def attempt() -> None:
        try:
            effect()
        except Exception:
            log.exception("a side effect failed", effect=name)

    transaction.on_commit(attempt)
