"""What an operation says about itself beyond what its class shows: its inputs, its answer, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from django.db import models

from common.openapi.shapes import COUNT, INTEGER, STRING, Shape, answered, list_of, row_of_table
from common.pagination import DEFAULT_LIMIT, LARGEST_LIMIT, LARGEST_PAGE

JSON, FORM, ANY = "application/json", "multipart/form-data", "*/*"
# In a query what is empty counts as not given.
EMPTY: Shape = {"const": ""}
PAGE: Shape = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE}, EMPTY], "default": 1}
LIMIT: Shape = {
    "anyOf": [{"type": "integer", "minimum": 0, "maximum": LARGEST_PAGE}, EMPTY],
    "default": DEFAULT_LIMIT,
    "description": f"Counts as {LARGEST_LIMIT} if it is more.",
}
ID_ASKED: Shape = {"anyOf": [INTEGER, EMPTY]}
# The body was read: it may be too large, or no JSON, or of another kind, or hold what is not accepted.
OF_BODIES = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE})


@dataclass(frozen=True)
class Description:
    """One operation. What its class shows (who may call it, the parameters of its path) need not be repeated."""

    answer: Shape
    status: int = HTTPStatus.OK
    # By media type, each the shape of the body.
    body: Mapping[str, Shape] = field(default_factory=dict)
    query: Mapping[str, Shape] = field(default_factory=dict)
    # The shapes of parameters of the path that are no ids.
    path: Mapping[str, Shape] = field(default_factory=dict)
    # The statuses that only this operation knows of.
    refuses: frozenset[int] = frozenset()
    # The media type of the answer.
    media_type: str = JSON
    # Whether the answer may also be a redirect to where the bytes are.
    redirects: bool = False


def described(
    answer: Shape,
    *,
    status: int = HTTPStatus.OK,
    json: Shape | None = None,
    form: Shape | None = None,
    refuses: Iterable[int] = (),
    query: Mapping[str, Shape] | None = None,
    path: Mapping[str, Shape] | None = None,
) -> Description:
    """An operation that answers in JSON."""
    bodies = {media_type: shape for media_type, shape in ((JSON, json), (FORM, form)) if shape is not None}
    return Description(answer, status, bodies, query or {}, path or {}, frozenset(refuses))


def listed(
    item: type[models.Model] | Shape,
    *texts: str,
    path: Mapping[str, Shape] | None = None,
    refuses: Iterable[int] = (),
    **others: Shape,
) -> Description:
    """A list with pages, narrowed by the parameters `texts` and `others`."""
    row = item if isinstance(item, dict) else row_of_table(item)
    page = answered({"page": COUNT, "limit": COUNT, "total": COUNT, "data": list_of(row)})
    query = {"page": PAGE, "limit": LIMIT, **dict.fromkeys(texts, STRING), **others}
    return Description(page, query=query, path=path or {}, refuses=frozenset(refuses))


def downloaded(*, refuses: Iterable[int] = (), redirects: bool = False, **path: Shape) -> Description:
    """An operation that answers bytes."""
    shape: Shape = {"type": "string", "format": "binary"}
    return Description(shape, path=path, refuses=frozenset(refuses), media_type=ANY, redirects=redirects)
