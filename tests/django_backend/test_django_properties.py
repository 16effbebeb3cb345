"""The properties of the original plan that are about this backend: uniqueness, round trips, errors, logins, CRUD."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import bcrypt
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from apps.authentication.hashers import LONGEST_PASSWORD
from apps.authentication.models import User
from apps.cadets.services import cadet_create
from apps.grading.services import category_create, grade_create
from apps.staff.services import staff_create
from common.exceptions import Missing
from common.failure import failure_of
from common.roles import Role
from common.rows import columns, row_create, row_delete, row_read, row_update
from tests.django_backend.people import Ask, person, refusal, told
from tests.django_backend.strategies import HUNDREDTHS, JSON, NAMES, columns_of, parents
from tests.django_backend.test_django_contract import PARAMETER, promised

OWN_MODELS = sorted(
    (model for model in apps.get_models() if model.__module__.startswith("apps.")), key=lambda model: model.__name__
)
# One database for all examples: each is undone.
one_database = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside has not happened afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


UNIQUE = {
    "users.username": lambda text: row_create(User, username=text, password="x", role="cadet"),
    "cadets.student_id": lambda text: cadet_create(
        values={"first_name": "a", "last_name": "b", "student_id": text}, now=datetime.now().astimezone()
    ),
    "staff.email": lambda text: staff_create(
        values={"first_name": "a", "last_name": "b", "email": text}, now=datetime.now().astimezone()
    ),
    "grade_categories.name": lambda text: category_create(values={"name": text, "weight": Decimal(1)}),
    "push_subscriptions.endpoint": lambda text: row_create(
        apps.get_model("messaging.PushSubscription"), endpoint=text, keys="{}"
    ),
    "settings.key": lambda text: row_create(apps.get_model("system.SystemSetting"), key=text),
}


@pytest.mark.property_test
@pytest.mark.parametrize("column", UNIQUE)
@one_database
@given(text=NAMES)
def test_property_7_uniqueness(db: None, column: str, text: str) -> None:
    """Feature: django-backend-activation, Property 7: Uniqueness"""
    with undone():
        UNIQUE[column](text)
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            UNIQUE[column](text)
        assert failure_of(refused.value).status == 409
        UNIQUE[column](text + "!")


@pytest.mark.property_test
@one_database
@given(term=NAMES, score=HUNDREDTHS)
def test_property_7_uniqueness_of_several_columns(bob: User, term: str, score: Decimal) -> None:
    """Feature: django-backend-activation, Property 7: Uniqueness"""
    now = datetime.now().astimezone()
    with undone():
        values = {**parents(apps.get_model("grading.Grade")), "term": term, "score": score}
        graded_by = values.pop("graded_by")
        grade_create(values=values, graded_by=graded_by, now=now)
        with pytest.raises(IntegrityError), transaction.atomic():
            grade_create(values=values, graded_by=graded_by, now=now)
        grade_create(values={**values, "term": term + "!"}, graded_by=graded_by, now=now)


def written(row: dict[str, Any]) -> dict[str, Any]:
    """Values as a client writes them in JSON."""
    found: dict[str, Any] = json.loads(json.dumps(row, default=str))
    return found


@pytest.mark.property_test
@pytest.mark.parametrize("path", ["staff", "cadets", "attendance/days", "grading/categories"])
@one_database
@given(data=st.data())
def test_property_8_round_trip(ask: Ask, carol: User, path: str, data: st.DataObject) -> None:
    """Feature: django-backend-activation, Property 8: Round trip"""
    names = {"staff": "staff.Staff", "cadets": "cadets.Cadet", "attendance/days": "attendance.TrainingDay"}
    model = apps.get_model(names.get(path, "grading.GradeCategory"))
    required = {str(field.column) for field in model._meta.concrete_fields if not field.null}
    given_row = data.draw(columns_of(model))
    assume(all(given_row.get(name, True) for name in required if name != "weight"))
    with undone():
        sent = written(given_row)
        made = told(ask("post", path, by=carol, body=sent))
        times = {"created_at", "updated_at"}
        # The times are the service's; all else comes back as it was sent.
        assert {name: made[name] for name in sent if name not in times} == {
            name: value for name, value in sent.items() if name not in times
        }
        again = told(ask("put", f"{path}/{made['id']}", by=carol, body=made))
        assert {**again, "updated_at": None} == {**made, "updated_at": None} or "updated_at" not in made


BODIES = (
    st.none()
    | JSON
    | st.dictionaries(
        st.sampled_from(
            [
                *(
                    "ids",
                    "title",
                    "date",
                    "cadetId",
                    "categoryId",
                    "trainingDayId",
                    "status",
                    "score",
                    "points",
                    "type",
                ),
                *(
                    "records",
                    "grades",
                    "cadet_ids",
                    "qrData",
                    "content",
                    "message",
                    "endpoint",
                    "keys",
                    "params",
                    "weight",
                ),
                *("name", "first_name", "last_name", "student_id", "email", "dateAbsent", "images", "currentPassword"),
            ]
        ),
        JSON | st.sampled_from(["1", "present", "merit", "2024-08-05", 1, [1], [{"cadetId": 1, "status": "late"}]]),
    )
)
OPERATIONS = sorted((path, method) for path, methods in promised().items() for method in methods)


@pytest.mark.property_test
@settings(one_database, max_examples=300)
@given(
    operation=st.sampled_from(OPERATIONS),
    words=st.lists(st.sampled_from(["1", "0", "-1", "x", "2147483648", "é", "%00"]), min_size=2, max_size=2),
    body=BODIES,
    page=st.sampled_from(["", "?page=0", "?limit=-1", "?page=x", "?cadetId=x"]),
    who=st.sampled_from(["alice", "bob", "carol", None]),
)
def test_property_12_errors(
    ask: Ask,
    alice: User,
    bob: User,
    carol: User,
    operation: tuple[str, str],
    words: list[str],
    body: Any,
    page: str,
    who: str | None,
) -> None:
    """Feature: django-backend-activation, Property 12: Errors"""
    path, method = operation
    waiting = iter(words)
    target = PARAMETER.sub(lambda _: next(waiting), path.removeprefix("/api/v1/")) + page
    by = {"alice": alice, "bob": bob, "carol": carol, None: None}[who]
    if path.startswith("/uploads"):
        return
    with undone():
        sent = {} if method == "GET" else {"body": body if body is not None else b"{"}
        answer = ask(method.lower(), target, by=by, **sent)
        assert answer.status_code < 500, (method, target, body)
        if answer.status_code >= 400:
            assert refusal(answer)[0] in {400, 401, 403, 404, 409, 413, 415}
        elif answer.status_code != 302:
            assert json.loads(answer.content) is not None


@pytest.mark.property_test
@one_database
@given(username=NAMES, password=st.text(st.characters(codec="utf-8"), min_size=1, max_size=100))
def test_property_13_login(ask: Ask, db: None, username: str, password: str) -> None:
    """Feature: django-backend-activation, Property 13: Login"""
    shortened = password.encode()[:LONGEST_PASSWORD]
    # bcrypt ends at a NUL, in Node as here; the cheapest hash, because it is not the hash that is looked at.
    assume(b"\0" not in shortened)
    hashed = bcrypt.hashpw(shortened, bcrypt.gensalt(4)).decode()
    with undone():
        user = person(username, Role.CADET, password=f"bcrypt${hashed}")
        answer = ask("post", "auth/login", body={"username": username, "password": password})
        assert answer.status_code == 200
        me = ask("get", "auth/me", headers={"Authorization": f"Bearer {told(answer)['token']}"})
        assert told(me)["id"] == user.pk
        wrong = ask("post", "auth/login", body={"username": username, "password": "!" + password})
        assert wrong.status_code == 401


def test_there_are_19_models_to_try() -> None:
    assert len(OWN_MODELS) == 19


@pytest.mark.property_test
@pytest.mark.parametrize("model", OWN_MODELS)
@settings(one_database, max_examples=25)
@given(data=st.data())
def test_property_14_crud(db: None, model: type[models.Model], data: st.DataObject) -> None:
    """Feature: django-backend-activation, Property 14: CRUD"""
    with undone():
        values = {**data.draw(columns_of(model)), **parents(model)}
        row = row_create(model, **values)
        # Foreign keys are checked when a transaction ends, and this one never does.
        connection.check_constraints()
        key = str(model._meta.pk.column)
        assert list(row) == list(columns(model)) and row[key] is not None
        assert {name: row[name] for name in values} == values
        assert row_read(model, "gone", pk=row[key]) == row
        changes = data.draw(columns_of(model))
        changed = row_update(model, "gone", row[key], **changes)
        assert changed == {**row, **changes}
        row_delete(model, "gone", pk=row[key])
        with pytest.raises(Missing):
            row_read(model, "gone", pk=row[key])
