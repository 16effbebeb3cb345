"""Says whether this backend is the one that owns the writes, as cutover's control row has it at this moment.

What runs beside the requests (jobs, schedules) asks here before it does anything. A backend that knows of no cutover
leaves CUTOVER_DATABASE_URL unset, and is always active.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import psycopg
import structlog
from django.conf import settings

ROW = "SELECT epoch, active, coalesce(fenced_until > now(), false) FROM cutover.control"
PATIENCE_SECONDS = 3

log = structlog.get_logger(__name__)


class Standing(StrEnum):
    """What this backend is."""

    ACTIVE = "active"
    STANDBY = "standby"
    # The other one is about to take over, or did so a moment ago: for a moment nobody may write.
    FENCED = "fenced"
    # Nobody can say. It is not taken for active: two who write are worse than one who waits.
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Reading:
    """What was found. Two readings of one epoch that say the same speak of one time as the active backend."""

    standing: Standing
    epoch: int | None = None


def reading() -> Reading:
    """What this backend is now. It never raises, and takes a few seconds at most."""
    if not settings.CUTOVER_DATABASE_URL:
        return Reading(Standing.ACTIVE)
    try:
        return judged(_row(settings.CUTOVER_DATABASE_URL), settings.CUTOVER_BACKEND)
    except psycopg.Error as trouble:
        log.warning("nobody can say which backend is active", reason=type(trouble).__name__)
        return Reading(Standing.UNKNOWN)


def judged(row: tuple[int, str, bool] | None, name: str) -> Reading:
    """What the control row says of the backend called `name`; a deployment that never started has none."""
    if row is None:
        return Reading(Standing.UNKNOWN)
    epoch, active, fenced = row
    if fenced:
        return Reading(Standing.FENCED, epoch)
    return Reading(Standing.ACTIVE if active == name else Standing.STANDBY, epoch)


def _row(url: str) -> tuple[int, str, bool] | None:
    with psycopg.connect(
        url, autocommit=True, connect_timeout=PATIENCE_SECONDS, tcp_user_timeout=PATIENCE_SECONDS * 1000
    ) as connection:
        row: tuple[int, str, bool] | None = connection.execute(ROW).fetchone()
        return row
