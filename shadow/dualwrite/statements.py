"""What is asked of the journal's database: the script that makes it (`schema/`), and queries by name (`queries/`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_HERE = Path(__file__).parent
_MADE_BY = ("tables", "append", "outcomes", "claim", "settle", "flip")
_ENTRY = (
    "number, id, epoch, origin, target, route, lanes, at, forward_by, after, completion, horizon, state, ended,"
    " uncertain, unanswered, attempts, sequence, client"
)

SCHEMA = "\n".join((_HERE / "schema" / f"{part}.sql").read_text() for part in _MADE_BY)
"""Makes the journal's tables and functions. Safe to run again."""


def _named(written: str) -> Iterator[tuple[str, str]]:
    for part in written.split("-- name: ")[1:]:
        name, _, body = part.partition("\n")
        yield name.strip(), body.strip().rstrip(";").replace("{ENTRY}", _ENTRY)


QUERIES = dict(
    query for file in sorted((_HERE / "queries").glob("*.sql")) for query in _named(file.read_text())
)  # fmt: skip
"""Each by its name. `{ENTRY}` stands for the columns of an entry as `entry_of` reads them, up to its reason."""
