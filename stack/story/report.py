"""What the story claimed and what was measured, for people and as `report.json` (design.md section 11)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Claim:
    """One thing the product promises, whether it was seen to hold, and by what."""

    name: str
    held: bool
    evidence: str


@dataclass
class Report:
    """Grows while the story runs."""

    started: str = field(default_factory=lambda: _now())
    finished: str | None = None
    claims: list[Claim] = field(default_factory=list)
    measures: dict[str, Any] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Whether there are claims and every one of them held."""
        return bool(self.claims) and all(claim.held for claim in self.claims)

    def claim(self, name: str, held: bool, evidence: str) -> Claim:
        """Note a claim."""
        self.claims.append(Claim(name, bool(held), evidence))
        return self.claims[-1]

    def write(self, path: Path) -> None:
        """Finish, and write `{started, finished, claims, measures}` in one step."""
        self.finished = _now()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n")
        draft.replace(path)

    def show(self, console: Console) -> None:
        """The table at the end."""
        table = Table(title="what was claimed, and what was seen", title_justify="left", show_lines=False)
        table.add_column("")
        table.add_column("claim")
        table.add_column("evidence", overflow="fold")
        for claim in self.claims:
            table.add_row("[green]✔[/]" if claim.held else "[red]✘[/]", claim.name, claim.evidence)
        console.print(table)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
