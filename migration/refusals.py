"""What a database said when it did not take a row."""

from __future__ import annotations

import psycopg

from migration.errors import Stopped
from migration.findings import Finding
from migration.session import line


def refused(error: psycopg.Error) -> Finding:
    """The row, as the database tells it."""
    detail, place = error.diag.message_detail or "", error.diag.context or ""
    says = " ".join(f"{line(error)} {detail} {place}".split())
    return Finding(error.diag.table_name or "?", "refused", says, column=error.diag.column_name)


def stopped(where: str, error: psycopg.IntegrityError) -> Stopped:
    """Of which table the row was, and by which rule. What it says is in the findings alone: the text is logged."""
    of = " ".join(filter(None, (error.diag.table_name, error.diag.column_name)))
    by = f" ({error.diag.constraint_name})" if error.diag.constraint_name else ""
    return Stopped(f"{where} refused a row of {of or '?'}{by}, and nothing was changed", [refused(error)])
