"""The numbers that the next rows get: never one that exists, never one that the other side gave away already."""

from __future__ import annotations

from migration.canon import literal, own, quoted
from migration.findings import Finding
from migration.kinds import Side
from migration.mapping import RowMapping, Table
from migration.session import Session
from migration.statements import rows_of

DRAWN_AT_MOST = 100_000


def sequence_of(session: Session, table: Table, column: str) -> str | None:
    """The sequence behind a column, of SERIAL and of identity alike, as SQL writes it."""
    found = session.one(f"SELECT pg_get_serial_sequence({literal(quoted(table.name))}, {literal(column)})")[0]
    return None if found is None else str(found)


def next_number(session: Session, sequence: str) -> int:
    """What the next insert would get."""
    last, called = session.one(f"SELECT last_value, is_called FROM {sequence}")
    return int(last) + (1 if called else 0)


def greatest(session: Session, table: Table, side: Side) -> int:
    """The greatest number that a row has; 0 if there is none."""
    number = own(table.column(table.serial), side)
    return int(session.one(f"SELECT coalesce(max({number}), 0) FROM {rows_of(table)}")[0])


def next_numbers(session: Session, mapping: RowMapping, side: Side) -> dict[str, int]:
    """What the next insert into each numbered table would get."""
    found = {}
    for table in mapping.tables:
        if table.serial and (sequence := sequence_of(session, table, table.column(table.serial).on(side))):
            found[table.name] = next_number(session, sequence)
    return found


def raise_all(session: Session, mapping: RowMapping, side: Side, others: dict[str, int]) -> None:
    """Put every sequence past its rows and past the other side's; none is ever lowered."""
    for table in mapping.tables:
        if not table.serial:
            continue
        sequence = sequence_of(session, table, table.column(table.serial).on(side))
        if sequence is None:
            continue
        wanted = max(greatest(session, table, side) + 1, others.get(table.name, 1))
        _draw_up_to(session, sequence, wanted)


def _draw_up_to(session: Session, sequence: str, wanted: int) -> None:
    """Others may draw at the same time: what is drawn never puts a sequence back, what is set does."""
    gap = wanted - next_number(session, sequence)
    if gap > DRAWN_AT_MOST:
        session.one(f"SELECT setval({literal(sequence)}, {wanted}, false)")
    elif gap > 0:
        session.one(f"SELECT max(nextval({literal(sequence)})) FROM generate_series(1, {gap})")


def low(session: Session, mapping: RowMapping, side: Side) -> list[Finding]:
    """The sequences whose next number exists already, or that are not there at all."""
    found = []
    for table in mapping.tables:
        if not table.serial:
            continue
        called, column = mapping.called(side), table.column(table.serial).on(side)
        sequence = sequence_of(session, table, column)
        if sequence is None:
            says = f"nothing numbers new rows on {called}"
            found.append(Finding(table.name, "sequence", says, column=column, side=called))
            continue
        will, is_ = next_number(session, sequence), greatest(session, table, side)
        if will <= is_:
            says = f"the next insert on {called} would get {will}, and numbers up to {is_} are taken"
            found.append(Finding(table.name, "sequence", says, str(will), column, side=called))
    return found
