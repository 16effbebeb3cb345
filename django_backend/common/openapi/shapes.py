"""JSON Schemas of what goes in and out: the rows of tables, and what the readers of inputs accept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models

from common.inputs import (
    LARGEST_INTEGER,
    SMALLEST_INTEGER,
    Reader,
    day,
    filled_text,
    flag,
    hundredths,
    integer,
    json_object,
    json_value,
    present_text,
    storable,
    text,
    whole_number,
)

Shape = dict[str, Any]

STRING: Shape = {"type": "string"}
OPTIONAL_STRING: Shape = {"type": ["string", "null"]}
BOOLEAN: Shape = {"type": "boolean"}
INTEGER: Shape = {"type": "integer"}
OPTIONAL_INTEGER: Shape = {"type": ["integer", "null"]}
NUMBER: Shape = {"type": "number"}
COUNT: Shape = {"type": "integer", "minimum": 0}
UUID: Shape = {"type": "string", "format": "uuid"}
INSTANT: Shape = {"type": "string", "format": "date-time"}
# A NUMERIC of two decimals is a string, so that no client makes a double of it. The column holds NaN as well.
HUNDREDTHS: Shape = {"type": "string", "pattern": r"^(-?[0-9]+\.[0-9]{2}|NaN)$"}
BYTES: Shape = {"type": "string", "format": "binary"}
ANYTHING: Shape = {}

_ID: Shape = {"type": "integer", "minimum": SMALLEST_INTEGER, "maximum": LARGEST_INTEGER}
_DIGITS: Shape = {"type": "string", "pattern": r"^\s*-?[0-9]{1,18}\s*$"}
_DECIMAL: Shape = {"type": "string", "pattern": r"^\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?\s*$"}
# What each reader takes from JSON. Where it takes more than it should, it does so because the legacy backend does.
ACCEPTED: dict[Reader, Shape] = {
    text: {"type": ["string", "number", "boolean", "null"]},
    filled_text: {"type": ["string", "number", "boolean", "null"]},
    present_text: {"type": ["string", "number", "boolean"]},
    storable: STRING,
    flag: {
        "type": ["boolean", "string", "integer", "null"],
        "description": "A boolean, or one of the words and digits that PostgreSQL takes for one.",
    },
    day: {
        "anyOf": [
            {"type": "string", "format": "date"},
            {"type": "string", "format": "date-time"},
            {"type": "string", "pattern": r"^\s*([0-9]{4}/[0-9]{1,2}/[0-9]{1,2}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4})\s*$"},
            {"type": "null"},
        ],
        "description": "`YYYY-MM-DD`, `YYYY/MM/DD` or `MM/DD/YYYY`; of an instant the day that it reads as.",
    },
    whole_number: {"anyOf": [_ID, _DIGITS]},
    integer: {"anyOf": [_ID, _DIGITS, {"type": "null"}]},
    hundredths: {"anyOf": [NUMBER, _DECIMAL]},
    json_value: ANYTHING,
    json_object: {"type": ["object", "null"]},
}

# The kinds of columns; a kind stands before those that it is a special case of.
COLUMNS: dict[type[models.Field[Any, Any]], Shape] = {
    models.BooleanField: BOOLEAN,
    models.DateTimeField: INSTANT,
    models.DateField: {"type": "string", "format": "date"},
    models.DecimalField: HUNDREDTHS,
    models.UUIDField: UUID,
    models.JSONField: ANYTHING,
    models.IntegerField: INTEGER,
    models.TextField: STRING,
}


def row_of_table(model: type[models.Model]) -> Shape:
    """A whole row, by reference to `table`."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def table(model: type[models.Model]) -> Shape:
    """The shape of a row: every column, under its own name."""
    return row_with(model)


def row_with(model: type[models.Model], **others: Shape) -> Shape:
    """The shape of a row with what is shown beside its columns."""
    return answered({**{str(field.column): _column(field) for field in model._meta.concrete_fields}, **others})


def columns_of(model: type[models.Model], names: Iterable[str]) -> dict[str, Shape]:
    """The shapes of some columns of a table."""
    fields = {str(field.column): field for field in model._meta.concrete_fields}
    return {name: _column(fields[name]) for name in names}


def answered(properties: Mapping[str, Shape]) -> Shape:
    """An object of an answer: these properties, always all of them, and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def said(message: str) -> Shape:
    """An answer that only says that it was done."""
    return answered({"message": {"type": "string", "const": message}})


def counted(name: str) -> Shape:
    """An answer that only says how many."""
    return answered({name: COUNT})


def list_of(item: Shape) -> Shape:
    """An array."""
    return {"type": "array", "items": item}


def body_of(readers: Mapping[str, Reader], *, required: Iterable[str] = (), **others: Shape) -> Shape:
    """An object of a request: what these readers take, and `others`. Unknown fields are ignored.

    An array is an object without fields, as in the legacy backend; so it does where no field is needed.
    """
    properties = {name: ACCEPTED[reader] for name, reader in readers.items() if name not in others}
    needed = list(required)
    kind = {"type": "object", "required": needed} if needed else {"type": ["object", "array"]}
    return {**kind, "properties": {**properties, **others}}


def readers_of(columns: Mapping[str, tuple[str, Reader]]) -> dict[str, Reader]:
    """The readers in a table of names, columns and readers."""
    return {name: reader for name, (_, reader) in columns.items()}


def form_of(fields: Iterable[str], *, required: Iterable[str] = (), **others: Shape) -> Shape:
    """A form. Every field is a text, and an empty one means NULL; `others` hold files."""
    needed = list(required)
    properties = {**dict.fromkeys(fields, STRING), **others}
    return {"type": "object", "properties": properties} | ({"required": needed} if needed else {})


def _column(field: models.Field[Any, Any]) -> Shape:
    if isinstance(field, models.ForeignKey):
        return _nullable(_column(field.target_field), null=field.null)
    found = COLUMNS[next(kind for kind in COLUMNS if isinstance(field, kind))]
    allowed = {"enum": [value for value, _ in field.choices]} if field.choices else {}
    return _nullable({**found, **allowed}, null=field.null)


def _nullable(shape: Shape, *, null: bool) -> Shape:
    return {**shape, "type": [shape["type"], "null"]} if null and "type" in shape else shape
