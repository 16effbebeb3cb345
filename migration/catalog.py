"""What a database says about its own tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migration.session import Session


@dataclass(frozen=True)
class Stored:
    """A column as it is stored."""

    type: str
    """Without its modifier: `numeric`, `timestamp without time zone`."""
    not_null: bool = False
    filled: bool = False
    """It gets a value by itself when none is given."""
    length: int | None = None
    precision: int | None = None
    scale: int | None = None


@dataclass(frozen=True)
class Constraint:
    """A constraint with PostgreSQL's own words for it."""

    table: str
    name: str
    kind: str
    """`f` foreign key, `u` unique, `p` primary key, `c` check."""
    columns: tuple[str, ...]
    definition: str
    parent: str = ""
    enforced: bool = True


@dataclass(frozen=True)
class Catalog:
    """All tables of the schema `public`."""

    columns: Mapping[str, Mapping[str, Stored]]
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[tuple[str, str, str], ...] = ()
    """Table, name and definition of indexes that only make things faster."""
    triggers: tuple[tuple[str, str, bool], ...] = ()
    """Table, name and whether it fires, of triggers that people made."""
    encoding: str = "UTF8"

    def of(self, table: str, kinds: str) -> list[Constraint]:
        """A table's constraints of some kinds."""
        return [one for one in self.constraints if one.table == table and one.kind in kinds]


_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attnotnull,
       a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '',
       information_schema._pg_char_max_length(a.atttypid, a.atttypmod),
       CASE WHEN a.atttypmod >= 0 THEN information_schema._pg_numeric_precision(a.atttypid, a.atttypmod) END,
       CASE WHEN a.atttypmod >= 0 THEN information_schema._pg_numeric_scale(a.atttypid, a.atttypmod) END
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY 1, a.attnum
"""
# A foreign key is kept by triggers of its own: switched off, it is a constraint in name only.
_CONSTRAINTS = """
SELECT c.relname, k.conname, k.contype,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, o)
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.n ORDER BY u.o),
       pg_get_constraintdef(k.oid), coalesce(f.relname, ''),
       k.convalidated AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgenabled = 'D')
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_class f ON f.oid = k.confrelid
WHERE c.relnamespace = 'public'::regnamespace AND k.contype IN ('f', 'u', 'p', 'c')
ORDER BY 1, 2
"""
# A unique index without a constraint keeps rows apart just as well.
_UNIQUE_INDEXES = """
SELECT c.relname, i.relname, 'u',
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (x.indkey)
             ORDER BY array_position(x.indkey::int2[], a.attnum)),
       pg_get_indexdef(x.indexrelid), '', x.indisvalid
FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND x.indisunique AND x.indpred IS NULL AND x.indexprs IS NULL
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('u', 'p'))
"""
_PLAIN_INDEXES = """
SELECT c.relname, i.relname, pg_get_indexdef(x.indexrelid)
FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT x.indisunique AND x.indisvalid
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid) ORDER BY 1, 2
"""
_TRIGGERS = """
SELECT c.relname, t.tgname, t.tgenabled <> 'D' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal ORDER BY 1, 2
"""


def read(session: Session) -> Catalog:
    """The catalog as it is now."""
    columns: dict[str, dict[str, Stored]] = {}
    for table, name, *stored in session.all(_COLUMNS):
        columns.setdefault(table, {})[name] = Stored(*stored)
    found = session.all(_CONSTRAINTS) + session.all(_UNIQUE_INDEXES)
    constraints = tuple(
        Constraint(table, name, _letter(kind), tuple(names), definition, parent, enforced)
        for table, name, kind, names, definition, parent, enforced in found
    )
    indexes = tuple((table, name, definition) for table, name, definition in session.all(_PLAIN_INDEXES))
    triggers = tuple((table, name, fires) for table, name, fires in session.all(_TRIGGERS))
    return Catalog(columns, constraints, indexes, triggers, str(session.one("SHOW server_encoding")[0]))


def _letter(kind: str | bytes) -> str:
    return kind.decode() if isinstance(kind, bytes) else kind
