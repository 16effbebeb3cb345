"""What an export says about itself: enough to import it, to prove it complete, and to compare it without its source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from migration.errors import RowsError
from migration.kinds import TIMESTAMP, Side
from migration.mapping import Column, RowMapping, Table

FILE = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Part:
    """One file: a piece of a table in COPY's text format, compressed."""

    file: str
    rows: int
    size: int
    sha256: str
    """Of what is inside, so that it does not depend on how it was compressed."""


@dataclass(frozen=True)
class Exported:
    """One table."""

    name: str
    columns: tuple[Mapping[str, Any], ...]
    rows: int
    digest: str
    next: int | None
    """What the source's next insert would have been numbered; None where nothing is numbered."""
    parts: tuple[Part, ...]

    @property
    def stamp(self) -> str:
        """Count and digest in one, as a database's own are written."""
        return f"{self.rows}:{self.digest}"


@dataclass(frozen=True)
class Manifest:
    """One export. `shape` is the side that the files are made for."""

    mapping: str
    side: str
    shape: str
    source: str
    server: str
    taken: str
    tables: tuple[Exported, ...]
    tool: str = ""
    format: int = FORMAT
    position: int | None = None
    """Where the export stands in the journal: every write with a completion number up to it is in, no later one is.
    None where no write was journaled."""

    def text(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @property
    def mark(self) -> str:
        """What tells this export from any other."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def applied(self, mapping: RowMapping) -> RowMapping:
        """The mapping with the zones and rules that the export was made with."""
        zones, rules = {}, {}
        for table in self.tables:
            for column in table.columns:
                place = f"{table.name}.{column['name']}"
                if column.get("zone"):
                    zones[place] = str(column["zone"])
                rules.update({f"{place}:{hazard}": str(way) for hazard, way in column.get("rules", {}).items()})
        return mapping.with_zones(zones).with_rules(rules)


def tool() -> str:
    """Our name and version."""
    try:
        return f"cutover {version('cutover')}"
    except PackageNotFoundError:
        return "cutover (not installed)"


def column_document(column: Column, type_: str) -> dict[str, Any]:
    """A column, its type where it comes from, and the settings it was read with."""
    zone = {"zone": column.zone} if column.kind is TIMESTAMP else {}
    rules = {"rules": dict(column.rules)} if column.rules else {}
    return {"name": column.name, "kind": column.kind.name, "type": type_, **zone, **rules}


def read(directory: Path) -> Manifest:
    """The manifest of an export that was finished; whatever is wrong with it is said in words."""
    path = directory / FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RowsError(f"{path} is missing: there is no export, or it never ended; make it again") from None
    except (OSError, ValueError) as error:
        raise RowsError(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise RowsError(f"{path} is no manifest of format {FORMAT}")
    try:
        return _manifest(document)
    except (KeyError, TypeError) as error:
        raise RowsError(f"{path} is damaged: {error!r}") from error


def _manifest(document: dict[str, Any]) -> Manifest:
    return Manifest(**{**document, "tables": tuple(_exported(table) for table in document["tables"])})


def _exported(document: dict[str, Any]) -> Exported:
    parts = tuple(Part(**part) for part in document["parts"])
    return Exported(**{**document, "columns": tuple(document["columns"]), "parts": parts})


def check(manifest: Manifest, directory: Path, mapping: RowMapping) -> None:
    """Refuse an export that is not complete, or that another mapping was used for."""
    files = [part.file for table in manifest.tables for part in table.parts]
    if any(Path(file).name != file for file in files):
        raise RowsError(f"{directory / FILE} names files outside of its directory")
    if missing := [file for file in files if not (directory / file).is_file()]:
        raise RowsError(f"{directory}: {len(missing)} files are missing, such as {missing[0]}: make the export again")
    if manifest.mapping != mapping.name:
        raise RowsError(f"{directory} was made with the mapping {manifest.mapping}, not {mapping.name}")
    exported = {table.name: [str(column["name"]) for column in table.columns] for table in manifest.tables}
    mapped = {table.name: [column.name for column in table.columns] for table in mapping.tables}
    if exported != mapped:
        different = sorted(name for name in exported.keys() | mapped.keys() if exported.get(name) != mapped.get(name))
        raise RowsError(f"{directory} has other tables or columns than the mapping: {', '.join(different)}")


def shape_of(manifest: Manifest, mapping: RowMapping) -> Side:
    """The side that the files are made for."""
    for side in Side:
        if mapping.called(side) == manifest.shape:
            return side
    raise RowsError(f"the export is made for {manifest.shape}, which the mapping {mapping.name} does not know")


def find(manifest: Manifest, table: Table) -> Exported:
    """One table of the export."""
    return next(exported for exported in manifest.tables if exported.name == table.name)
