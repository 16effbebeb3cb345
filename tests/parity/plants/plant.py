"""What a regression is: what it does to a request, to the SQL behind it or to its answer, and where that must show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

ADMIN, INSTRUCTOR, CADET, NOBODY = "admin", "training_staff", "cadet", "anybody"
Document = Any
SqlParts = tuple[str, Any]


@dataclass(frozen=True)
class Answered:
    """An answer that was right, as far as a regression may change it. An empty document is no JSON."""

    status: int
    document: Document
    fields: dict[str, str]


@dataclass(frozen=True)
class Probe:
    """A read that shows it. *role* says who asks; a *body* makes it a login."""

    role: str
    path: str
    body: Any = None


@dataclass(frozen=True)
class Plant:
    """One mistake as people make it. It is on for the paths that one of its probes begins with, whoever asks.

    *edit* changes the document of a good answer in place or returns another one, *spoil* any answer; *ask* changes
    the parameters, *sql* the statement, *as_admin* forgets who asks; *cache* answers from memory, by its key.
    *disturb* is SQL that both databases see between two rounds of the probes.
    """

    name: str
    story: str
    route: str
    probes: tuple[Probe, ...]
    edit: Callable[[Document], Document | None] | None = None
    spoil: Callable[[Answered], Answered] | None = None
    ask: dict[str, str] | None = None
    sql: Callable[[str, Any], SqlParts] | None = None
    as_admin: bool = False
    cache: str | None = None
    disturb: str | None = None


def by(role: str, *paths: str) -> tuple[Probe, ...]:
    """Probes by one role."""
    return tuple(Probe(role, path) for path in paths)


def rows(document: Document) -> Iterator[dict[str, Any]]:
    """The rows of an answer: a page's, a plain array's, or the one that it is."""
    found = document.get("data", [document]) if isinstance(document, dict) else document
    yield from (row for row in found if isinstance(row, dict))


def each(name: str, change: Callable[[Any], Any]) -> Callable[[Document], None]:
    """Changes one field of every row, where it is not null."""

    def edit(document: Document) -> None:
        for row in rows(document):
            if row.get(name) is not None:
                row[name] = change(row[name])

    return edit
