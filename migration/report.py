"""What became of every table and what was found, for programs (JSON) and for people (Markdown)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from migration.findings import Finding, errors


@dataclass(frozen=True)
class TableResult:
    """One table: rows and digest of what was read and of what is there now."""

    table: str
    source_rows: int
    target_rows: int
    source_digest: str = ""
    target_digest: str = ""
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether nothing was lost or changed."""
        return (self.source_rows, self.source_digest) == (self.target_rows, self.target_digest)


@dataclass
class Report:
    """The whole of one command."""

    verb: str
    source: str
    target: str
    started: datetime
    seconds: float = 0.0
    tables: list[TableResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    joined: dict[str, object] = field(default_factory=dict)
    """Of a copy under load: the position of the journal that it stands for, and how long writes were held for it."""
    position: int | None = None
    """Of an export under load: the position of the journal that it stands for."""

    @property
    def ok(self) -> bool:
        """Whether no row was lost, changed or unverifiable."""
        return not errors(self.findings)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(table.source_rows for table in self.tables)

    @property
    def speed(self) -> int:
        """Rows per second."""
        return round(self.rows / self.seconds) if self.seconds else 0

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "verb": self.verb, "ok": self.ok, "source": self.source, "target": self.target,
            "started": self.started.isoformat(), "seconds": round(self.seconds, 3), "rows": self.rows,
            "rows_per_second": self.speed, "settings": self.settings, "joined": self.joined,
            "position": self.position,
            "tables": [{**asdict(table), "equal": table.equal} for table in self.tables],
            "findings": [finding.document() for finding in self.findings],
        }  # fmt: skip

    def markdown(self) -> str:
        """For people."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        wrong = len(errors(self.findings))
        yield f"# {self.verb}: {'nothing lost, nothing changed' if self.ok else f'{wrong} things are wrong'}"
        yield f"\n{self.source} → {self.target}, {self.started:%Y-%m-%d %H:%M:%S %Z}, {self.rows:,} rows"
        yield f"in {self.seconds:.1f} s ({self.speed:,} rows/s)."
        for title, listed in (("Wrong", errors(self.findings)), ("Notes", [f for f in self.findings if f.note])):
            if listed:
                yield f"\n## {title}\n"
                yield from (f"- {_escaped(str(finding))}{_values(finding)}" for finding in listed)
        yield "\n## Tables\n\n| table | source rows | target rows | digest | equal |\n|---|--:|--:|---|---|"
        for table in self.tables:
            digest = table.source_digest or "–"
            equal = "yes" if table.equal else "**no**"
            yield f"| {table.table} | {table.source_rows:,} | {table.target_rows:,} | {digest} | {equal} |"
        if self.settings:
            yield f"\nSettings: `{json.dumps(self.settings, ensure_ascii=False)}`"

    def write(self, place: Path) -> None:
        """Both forms, beside each other: *place* with `.json` and with `.md`."""
        place.parent.mkdir(parents=True, exist_ok=True)
        document = json.dumps(self.document(), indent=2, ensure_ascii=False) + "\n"
        for suffix, text in ((".json", document), (".md", self.markdown())):
            path = place.with_suffix(suffix)
            # Findings quote people's data, which is nobody else's business.
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")


def _values(finding: Finding) -> str:
    if finding.source is None and finding.target is None:
        return ""
    return " " + _escaped(f"(source: {finding.source}, target: {finding.target})")


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
