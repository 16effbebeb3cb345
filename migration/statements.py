"""The statements that move and compare rows, as texts."""

from __future__ import annotations

from collections.abc import Iterable

from migration.canon import ALIAS, canonical, filled, own, quoted, row_text, shaped, skipping
from migration.kinds import TEXT, Side
from migration.mapping import Table

BUCKET_ROWS = 4096


def where(*conditions: str) -> str:
    """The conditions that there are."""
    given = [condition for condition in conditions if condition]
    return f" WHERE {' AND '.join(given)}" if given else ""


def rows_of(table: Table) -> str:
    """The table under the name that values are written with."""
    return f"{quoted(table.name)} {ALIAS}"


def key_columns(table: Table, side: Side) -> list[str]:
    """The key as its side stores it."""
    return [own(column, side) for column in table.keys]


def key_array(table: Table, side: Side) -> str:
    """The key as texts, by which Python knows a row."""
    return f"ARRAY[{', '.join(f'{name}::text' for name in key_columns(table, side))}]"


def among_keys(table: Table, side: Side) -> str:
    """A join that keeps the rows whose keys are given: as many arrays of texts as the key has columns."""
    names = [f"k{number}" for number in range(len(table.key))]
    arrays = ", ".join("%s::text[]" for _ in names)
    pairs = zip(table.keys, names, strict=True)
    same = " AND ".join(f"{own(column, side)} = w.{name}::{column.kind.key_type}" for column, name in pairs)
    return f" JOIN unnest({arrays}) w({', '.join(names)}) ON {same}"


def select(table: Table, side: Side, shape: Side, *, ordered: bool = False, among: bool = False) -> str:
    """All rows of *side*, or those *among* given keys, in the shape that *shape* stores."""
    values = ", ".join(f"{shaped(column, side, shape)} AS {quoted(column.on(shape))}" for column in table.columns)
    order = f" ORDER BY {', '.join(key_columns(table, side))}" if ordered else ""
    join = among_keys(table, side) if among else ""
    return f"SELECT {values} FROM {rows_of(table)}{join}{where(skipping(table, side))}{order}"


def copy_out(table: Table, side: Side, shape: Side, *, ordered: bool = False) -> str:
    """The same as a stream."""
    return f"COPY ({select(table, side, shape, ordered=ordered)}) TO STDOUT"


def copy_in(table: Table, shape: Side) -> str:
    """The other end of the stream."""
    return f"COPY {quoted(table.name)} ({names(table, shape)}) FROM STDIN"


def names(table: Table, side: Side) -> str:
    """The columns that are carried."""
    return ", ".join(quoted(column.on(side)) for column in table.columns)


def bucket(table: Table, side: Side, groups: int) -> str:
    """The bucket that a row falls into, one of about twice *groups*; the same on both sides, because keys are.

    A remainder spreads numbers evenly, whatever gaps there are between them.
    """
    first = table.keys[0]
    number = filled(first.kind.bucket, own(first, side), first)
    if len(table.keys) > 1:
        number = filled(TEXT.bucket, f"{key_array(table, side)}::text", first)
    return f"coalesce(mod({number}, {groups}), -1)::bigint"


def groups_for(rows: int) -> int:
    """Into how many buckets so many rows go; odd, so that numbers given away in steps of two or ten spread as well."""
    return rows // BUCKET_ROWS | 1


def digests(table: Table, side: Side, groups: int, *conditions: str, join: str = "") -> str:
    """Per bucket: how many rows, and the sums of the two halves of their MD5 sums."""
    text = row_text(table, side)
    inner = (
        f"SELECT {bucket(table, side, groups)} AS b, md5({text}) AS h FROM {rows_of(table)}{join}"
        f"{where(skipping(table, side), *conditions)} OFFSET 0"
    )
    return f"SELECT b, count(*), {_half('left')}, {_half('right')} FROM ({inner}) d GROUP BY b"


def _half(end: str) -> str:
    return f"sum(('x' || {end}(h, 16))::bit(64)::bigint)"


def row_digests(table: Table, side: Side) -> str:
    """Key and MD5 sum of the rows whose keys are given."""
    found = f"SELECT {key_array(table, side)}, md5({row_text(table, side)}) FROM {rows_of(table)}"
    return found + among_keys(table, side) + where(skipping(table, side))


def keys_of(table: Table, side: Side, groups: int) -> str:
    """The keys of some buckets, without looking at anything else."""
    chosen = f"{bucket(table, side, groups)} = ANY(%s)"
    return f"SELECT {key_array(table, side)} FROM {rows_of(table)}{where(skipping(table, side), chosen)}"


def canonical_rows(table: Table, side: Side) -> str:
    """Key and canonical values, all as texts, of the rows whose keys are given."""
    values = ", ".join(f"({canonical(column, side)})::text" for column in table.columns)
    return f"SELECT {key_array(table, side)}, ARRAY[{values}] FROM {rows_of(table)}{among_keys(table, side)}"


def writers(table: Table, side: Side) -> str:
    """Key and the transaction that wrote it, of the rows whose keys are given."""
    found = f"SELECT {key_array(table, side)}, {ALIAS}.xmin::text::bigint"
    return f"{found} FROM {rows_of(table)}{among_keys(table, side)}"


def orphans(table: Table, side: Side, column: str) -> str:
    """Keys and values of rows that refer to rows that are not there."""
    reference = table.column(column)
    value = own(reference, side)
    parent = f"SELECT FROM {quoted(reference.references)} p WHERE p.{quoted(reference.refers_to)} = {value}"
    conditions = where(f"{value} IS NOT NULL", f"NOT EXISTS ({parent})")
    return f"SELECT {key_array(table, side)}, {value}::text FROM {rows_of(table)}{conditions}"


def duplicates(table: Table, side: Side, columns: Iterable[str], limit: int) -> str:
    """Values that should be unique and are not, each with the keys of its rows."""
    values = [own(table.column(name), side) for name in columns]
    given = [f"{value} IS NOT NULL" for value in values]
    listed = ", ".join(values)
    as_texts = ", ".join(f"{value}::text" for value in values)
    return (
        f"SELECT ARRAY[{as_texts}], json_agg({key_array(table, side)} ORDER BY {key_array(table, side)}) "
        f"FROM {rows_of(table)}{where(*given)} GROUP BY {listed} HAVING count(*) > 1 LIMIT {limit}"
    )
