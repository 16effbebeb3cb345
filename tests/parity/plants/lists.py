"""Regressions of lists: their pages, their order, what they filter and what they search."""

from __future__ import annotations

import re
from typing import Any

from tests.parity.plants.plant import ADMIN, CADET, INSTRUCTOR, Document, Plant, SqlParts, by


def _replaced(pattern: str, by_what: str) -> Any:
    def change(statement: str, params: Any) -> SqlParts:
        return re.sub(pattern, by_what, statement), params

    return change


def _wildcards(statement: str, params: Any) -> SqlParts:
    plain = tuple(one.replace("\\", "") if isinstance(one, str) else one for one in params or ())
    return statement, plain


def _of_page(document: Document) -> None:
    document["total"] = len(document["data"])


def _twice(document: Document) -> None:
    document["data"].insert(1, document["data"][0])


def _one_less(document: Document) -> None:
    document["data"].pop()


def _larger_pages(document: Document) -> None:
    document["limit"] = 20


def _fewer(document: Document) -> None:
    document["participants"].pop()


def _backwards(document: Document) -> Document:
    return document | {"data": document["data"][::-1]}


LISTS = (
    Plant("next-page", "pages counted from 0", "GET /api/v1/attendance/days",
          by(CADET, "attendance/days?limit=5"), ask={"page": "2"}, edit=lambda document: document.update(page=1)),
    Plant("other-page-size", "the framework's own page size", "GET /api/v1/activities", by(CADET, "activities"),
          ask={"limit": "25"}, edit=_larger_pages),
    Plant("total-of-the-page", "a count after the limit", "GET /api/v1/staff", by(ADMIN, "staff?limit=5"), _of_page),
    Plant("duplicated-row", "a join that multiplies", "GET /api/v1/activities", by(ADMIN, "activities?limit=10"),
          _twice),
    Plant("lost-row", "a slice that ends too early", "GET /api/v1/messaging/notifications",
          by(CADET, "messaging/notifications"), _one_less),
    Plant("lost-participant", "a join that drops rows", "GET /api/v1/activities/{id}", by(ADMIN, "activities/1"),
          _fewer),
    Plant("oldest-first", "DESC forgotten", "GET /api/v1/grading/merit-logs", by(ADMIN, "grading/merit-logs?limit=10"),
          sql=_replaced(" DESC", " ASC")),
    Plant("reversed-page", "a page read from its end", "GET /api/v1/reports", by(ADMIN, "reports?limit=100"),
          _backwards),
    Plant("order-of-ids", "ORDER BY id where names were meant", "GET /api/v1/staff", by(ADMIN, "staff?limit=100"),
          sql=_replaced(r"ORDER BY \d+ ASC, \d+ ASC, 1 ASC", "ORDER BY 1 ASC")),
    Plant("unfiltered-archive", "archived cadets shown to all", "GET /api/v1/cadets", by(INSTRUCTOR, "cadets?limit=10"),
          ask={"includeArchived": "true"}),
    Plant("null-is-archived", "NULL taken for true", "GET /api/v1/cadets", by(ADMIN, "cadets?limit=20"),
          sql=_replaced(r'OR "cadets"\."is_archived" IS NULL', "")),
    Plant("case-insensitive-search", "icontains for contains", "GET /api/v1/cadets", by(ADMIN, "cadets?search=AN"),
          sql=_replaced(r"LIKE", "ILIKE")),
    Plant("wildcards-in-search", "LIKE without escapes", "GET /api/v1/cadets", by(ADMIN, "cadets?search=%25"),
          sql=_wildcards),
    Plant("lost-filter", "a parameter of another name", "GET /api/v1/grading/grades",
          by(ADMIN, "grading/grades?categoryId=2"), ask={"categoryId": ""}),
    Plant("constant-filter", "a value left over from a trial", "GET /api/v1/grading/grades",
          by(ADMIN, "grading/grades?term=final"), ask={"term": "midterm"}),
    Plant("everybodys-grades", "an owner not looked at", "GET /api/v1/grading/grades", by(CADET, "grading/grades"),
          as_admin=True),
)  # fmt: skip
