"""Any valid rows, and any bodies at all: what the properties are tried with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from hypothesis import strategies as st

from apps.authentication.models import User
from apps.cadets.models import Cadet
from apps.staff.models import Staff
from common.roles import Role
from tests.django_backend.people import cadet, person

# What a table can hold: no NUL, no half of a surrogate pair; and short enough for the index of a unique column.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
NAMES = TEXTS.filter(bool)
HUNDREDTHS = st.decimals(-999, 999, places=2).map(lambda number: number + 0)
INTEGERS = st.integers(-(2**31), 2**31 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def values_for(field: models.Field[Any, Any]) -> st.SearchStrategy[Any]:
    """Any valid value of a column, but for a foreign key."""
    if field.choices:
        return st.sampled_from([value for value, _ in field.choices])  # type: ignore[misc,union-attr]
    found = KINDS[next(kind for kind in KINDS if isinstance(field, kind))]
    return found | st.none() if field.null and not field.unique else found


KINDS: dict[type[models.Field[Any, Any]], st.SearchStrategy[Any]] = {
    models.BooleanField: st.booleans(),
    # In UTC: two readings of the hour that comes twice are never equal in Python.
    models.DateTimeField: st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
    models.DateField: st.dates(date(1900, 1, 1)),
    models.DecimalField: HUNDREDTHS,
    models.BigIntegerField: st.integers(-(2**63), 2**63 - 1),
    models.IntegerField: INTEGERS,
    models.JSONField: st.dictionaries(TEXTS, JSON, max_size=3),
    models.TextField: TEXTS,
}


@cache
def columns_of(model: type[models.Model]) -> st.SearchStrategy[dict[str, Any]]:
    """Valid values of all columns that a client or the legacy data may bring."""
    plain = [field for field in model._meta.concrete_fields if not field.primary_key and not field.is_relation]
    return st.fixed_dictionaries({str(field.column): values_for(field) for field in plain})


def parents(model: type[models.Model]) -> dict[str, int]:
    """Rows for the foreign keys of a model."""
    made: dict[str, int] = {}
    for field in model._meta.concrete_fields:
        if field.is_relation:
            made[str(field.column)] = PARENTS[field.related_model](f"parent of {field.name}")  # type: ignore[index]
    return made


def _row(label: str, **values: Any) -> Any:
    return apps.get_model(label).objects.create(**values).pk


PARENTS: dict[type[models.Model], Callable[[str], Any]] = {
    User: lambda name: person(name, Role.CADET).pk,
    Cadet: lambda name: cadet(name).pk,
    Staff: lambda name: _row("staff.Staff", first_name="a", last_name="b"),
    apps.get_model("attendance.TrainingDay"): lambda name: _row("attendance.TrainingDay", date="x", title="y"),
    apps.get_model("grading.GradeCategory"): lambda name: _row("grading.GradeCategory", name=name, weight=1),
    apps.get_model("files.File"): lambda name: _row("files.File", filename="f"),
}
