"""What was found in rows: one sentence each, with the table, the key and the column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or with `note` one that a person should know."""

    table: str
    kind: str
    says: str
    key: str | None = None
    column: str | None = None
    source: str | None = None
    target: str | None = None
    side: str | None = None
    note: bool = False
    row: tuple[str | None, ...] = ()
    """The key's values, where the finding is about one row."""

    def __str__(self) -> str:
        place = self.table + (f"[{self.key}]" if self.key else "") + (f".{self.column}" if self.column else "")
        return f"{place}: {self.kind}: {self.says}"

    def document(self) -> dict[str, Any]:
        """For programs; what does not apply is left out."""
        return {name: value for name, value in asdict(self).items() if value not in (None, False) and name != "row"}


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Those that make the exit status 1."""
    return [finding for finding in findings if not finding.note]


def key_text(names: Sequence[str], values: Sequence[str | None]) -> str:
    """How a row's key is written everywhere: `5`, or `activity_id=1, cadet_id=3` where it has several columns."""
    if len(names) == 1:
        return str(values[0])
    return ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
