"""Finds what the target cannot represent, before a single row is written.

Every such value is listed with its table, key and column, and stops the copy, unless a rule says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from migration import statements
from migration.canon import filled, own, quoted
from migration.catalog import Catalog
from migration.findings import Finding, key_text
from migration.fit import check_expression, checks, demanded, narrowings
from migration.json_text import json_hazards
from migration.kinds import TEXT, Hazard, Side
from migration.mapping import ORPHAN, Column, Table
from migration.session import Session
from migration.zones import suspects

LISTED = 1000
EXAMPLES = 3


@dataclass(frozen=True)
class Suspicion:
    """A condition that should hold for no row."""

    column: Column | None
    name: str
    found: str
    says: str
    note: bool = False


@dataclass(frozen=True)
class Scan:
    """The look at one table through one session."""

    session: Session
    table: Table
    side: Side

    def findings(self, source: Catalog, target: Catalog | None, *, zones: bool = True) -> Iterator[Finding]:
        """Everything to be known before the table is copied; without a target only what the values themselves tell."""
        yield from self._hazards()
        yield from self._orphans()
        yield from self._parsed()
        yield from self._alike()
        if target is not None:
            yield from self._refused(source, target)
        if zones and self.side is Side.OLD:
            yield from suspects(self.session, self.table)

    def _hazards(self) -> Iterator[Finding]:
        asked = [
            _suspicion(column, hazard, filled(hazard.found, own(column, self.side), column))
            for column in self.table.columns
            for hazard in column.hazards(self.side)
            if not hazard.parsed
        ]
        yield from self._asked(asked, statements.rows_of(self.table), statements.key_array(self.table, self.side))

    def _refused(self, source: Catalog, target: Catalog) -> Iterator[Finding]:
        """What the target's own types and constraints would refuse, judged on the values as they would arrive."""
        asked = [
            Suspicion(narrow.column, narrow.name, narrow.found, narrow.says)
            for narrow in narrowings(self.table, source, target, self.side)
        ]
        for check in checks(self.table, source, target):
            says = f"the target's check {check.name} refuses it"
            column = self._column_of(check.columns)
            asked.append(Suspicion(column, "check", f"NOT ({check_expression(check)})", says))
        arriving = f"({statements.select(self.table, self.side, self.side.other)}) t"
        key = ", ".join(f"t.{quoted(column.on(self.side.other))}::text" for column in self.table.keys)
        yield from self._asked(asked, arriving, f"ARRAY[{key}]")
        yield from self._duplicates(source, target)

    def _column_of(self, names: Iterable[str]) -> Column | None:
        return next((c for c in self.table.columns if c.on(self.side.other) in set(names)), None)

    def _asked(self, asked: list[Suspicion], rows: str, key: str) -> Iterator[Finding]:
        """One pass that counts everything; a second look only at what was there."""
        if not asked:
            return
        counts = ", ".join(f"count(*) FILTER (WHERE {one.found})" for one in asked)
        for one, count in zip(asked, self.session.one(f"SELECT {counts} FROM {rows}"), strict=True):
            if count:
                limit = EXAMPLES if one.note else LISTED
                query = f"SELECT {key} FROM {rows} WHERE {one.found} ORDER BY 1 LIMIT {limit}"
                keys = [self._key(found) for (found,) in self.session.all(query)]
                yield from self._told(one, int(count), keys)

    def _key(self, values: list[str | None]) -> str:
        return key_text(self.table.key, values)

    def _told(self, one: Suspicion, count: int, keys: list[str]) -> Iterator[Finding]:
        column = one.column.name if one.column else None
        if one.note:
            says = f"{count} rows: {one.says}"
            yield Finding(self.table.name, one.name, says, ", ".join(keys[:EXAMPLES]), column, note=True)
            return
        for key in keys:
            yield Finding(self.table.name, one.name, one.says, key, column)
        if count > len(keys):
            yield Finding(self.table.name, one.name, f"{count - len(keys)} more rows: {one.says}", column=column)

    def _orphans(self) -> Iterator[Finding]:
        for column in self.table.references:
            found = self.session.all(
                statements.orphans(self.table, self.side, column.name) + f" ORDER BY 1 LIMIT {LISTED + 1}"
            )
            rule = column.rules.get(ORPHAN)
            for key, value in found:
                says = f"refers to {column.references} {value}, which is not there"
                told = f"{says}; rule {ORPHAN}={rule}" if rule else says
                yield Finding(self.table.name, ORPHAN, told, self._key(key), column.name, note=bool(rule))

    def _parsed(self) -> Iterator[Finding]:
        for column in self.table.columns:
            hazards = {hazard.name: hazard for hazard in column.hazards(self.side) if hazard.parsed}
            if hazards:
                yield from self._texts(column, hazards)

    def _texts(self, column: Column, hazards: dict[str, Hazard]) -> Iterator[Finding]:
        value = own(column, self.side)
        key_array, rows = statements.key_array(self.table, self.side), statements.rows_of(self.table)
        query = f"SELECT {key_array}, {value}::text FROM {rows} WHERE {value} IS NOT NULL"
        for key, text in self.session.stream(query):
            for name in sorted(json_hazards(text)):
                hazard = hazards.get(name) or Hazard(name, "", "is nested too deeply")
                one = _suspicion(column, hazard, "")
                yield Finding(self.table.name, name, one.says, self._key(key), column.name, note=one.note)

    def _alike(self) -> Iterator[Finding]:
        """Unique texts that only a database which tells upper from lower case keeps apart."""
        for (name,) in (names for names in self.table.unique if len(names) == 1):
            column = self.table.column(name)
            if column.kind is TEXT:
                value, key = own(column, self.side), statements.key_array(self.table, self.side)
                query = (
                    f"SELECT json_agg({key}) FROM {statements.rows_of(self.table)} WHERE {value} <> '' "
                    f"GROUP BY lower(normalize({value}, NFKC)) HAVING count(*) > 1 LIMIT {LISTED}"
                )
                for (keys,) in self.session.all(query):
                    shown = ", ".join(sorted(self._key(found) for found in keys))
                    says = "are two only as long as case and composition count"
                    yield Finding(self.table.name, "alike", says, shown, name, note=True)

    def _duplicates(self, source: Catalog, target: Catalog) -> Iterator[Finding]:
        """What the target demands to be unique and the source does not."""
        for columns in demanded(self.table, source, target, self.side):
            names = [column.name for column in columns]
            for values, keys in self.session.all(statements.duplicates(self.table, self.side, names, LISTED)):
                shown = ", ".join(self._key(key) for key in keys)
                says = f"{', '.join(values)} occurs in {len(keys)} rows and must be unique: {shown}"
                yield Finding(self.table.name, "duplicate", says, self._key(keys[0]), ", ".join(names))


def _suspicion(column: Column, hazard: Hazard, found: str) -> Suspicion:
    """A hazard as what it means under the column's rules: with a rule it is worth a note, without one it stops."""
    rule = column.rules.get(hazard.name) if column.way(hazard) else None
    if rule:
        return Suspicion(column, hazard.name, found, f"{hazard.says}; rule {hazard.name}={rule}", note=True)
    choose = f"; a rule may say {' or '.join(f'{hazard.name}={way}' for way in hazard.ways)}" if hazard.ways else ""
    return Suspicion(column, hazard.name, found, hazard.says + ("" if hazard.note else choose), hazard.note)
