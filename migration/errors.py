"""How moving rows fails, by what the caller should do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migration.findings import Finding


class RowsError(Exception):
    """Rows could not be moved or compared; the text is for people and says what to do."""


class Stopped(RowsError):
    """There are rows or columns that must not be passed over; every one that was found is in `findings`."""

    def __init__(self, why: str, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(why)


class Unreachable(RowsError):
    """A database did not answer, or the connection broke: begin again, what was finished is kept."""
