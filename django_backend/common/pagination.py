"""Pages of lists: what a client may ask for, and the shape of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from common.exceptions import InvalidInput
from common.inputs import WHOLE_NUMBER

DEFAULT_LIMIT = 20
LARGEST_LIMIT = 100
# Beyond it the number of the first row would not fit the database's integers.
LARGEST_PAGE = 2**53


@dataclass(frozen=True)
class Page:
    """The page with this number, counted from 1, when each holds `limit` rows."""

    number: int
    limit: int

    @property
    def offset(self) -> int:
        """How many rows come before it."""
        return (self.number - 1) * self.limit


def page_asked(query: Mapping[str, str]) -> Page:
    """The page that the query asks for: the first 20 rows unless it says more, never more than 100."""
    number = _number(query, "page", default=1, smallest=1)
    limit = _number(query, "limit", default=DEFAULT_LIMIT, smallest=0)
    return Page(number, min(limit, LARGEST_LIMIT))


def limit_asked(query: Mapping[str, str], default: int) -> int:
    """How many rows the query asks for where there are no pages; never more than 100."""
    return min(_number(query, "limit", default=default, smallest=0), LARGEST_LIMIT)


def listing(rows: QuerySet[Any, dict[str, Any]], page: Page) -> dict[str, Any]:
    """The answer of a list. It costs two queries, however long the list is."""
    return {
        "page": page.number,
        "limit": page.limit,
        "total": rows.count(),
        "data": list(rows[page.offset : page.offset + page.limit]),
    }


def _number(query: Mapping[str, str], name: str, *, default: int, smallest: int) -> int:
    given = query.get(name) or str(default)
    if not WHOLE_NUMBER.fullmatch(given) or not smallest <= int(given) <= LARGEST_PAGE:
        raise InvalidInput(f"{name} must be a number from {smallest} up", {name: [f"must be from {smallest} up"]})
    return int(given)
