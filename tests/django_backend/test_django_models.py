"""The tables: what the legacy backend's database holds must fit into them, column by column."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.db.models.functions import Now
from django.utils import timezone

from apps.activities.models import Activity
from apps.authentication.models import User, UserSetting
from apps.files.models import File
from apps.grading.models import GradeCategory, MeritDemeritLog
from apps.messaging.models import Notification
from apps.reports.models import Report
from common.failure import failure_of
from common.roles import Role
from tests.django_backend.people import cadet, person

LEGACY_SCHEMA = Path(__file__).parents[2] / "node_backend" / "db" / "schema.sql"
OWN_MODELS = [model for model in apps.get_models() if model.__module__.startswith("apps.")]
FIELDS = [field for model in OWN_MODELS for field in model._meta.concrete_fields]
COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, numeric_precision, numeric_scale, column_default
    FROM information_schema.columns WHERE table_schema = 'public'
"""
RULES = """
    SELECT conrelid::regclass::text, contype::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype IN ('c', 'u') AND connamespace = 'public'::regnamespace
"""
REFERENCES = """
    SELECT conrelid::regclass::text, attname::text, confrelid::regclass::text, confdeltype::text
    FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] WHERE contype = 'f'
"""
ON_DELETE = {models.CASCADE: "c", models.SET_NULL: "n", models.PROTECT: "a"}
# What differs on purpose: instants know their zone, JSON is stored parsed, and "now" has two names.
SAME = [("without time zone", "with time zone"), ("jsonb", "json"), ("statement_timestamp()", "now()")]


def described(rows: list[tuple[Any, ...]], tables: set[str]) -> set[tuple[Any, ...]]:
    """The rows of the legacy tables in words that do not depend on who wrote them."""

    def plain(value: Any) -> Any:
        for one, other in SAME:
            value = value.replace(one, other) if isinstance(value, str) else value
        return None if isinstance(value, str) and value.startswith("nextval(") else value

    return {tuple(map(plain, row)) for row in rows if row[0] in tables}


@pytest.fixture
def legacy(fresh_database: Callable[[], str]) -> psycopg.Connection[Any]:
    """A connection to a database with the tables of the legacy backend."""
    legacy = psycopg.connect(fresh_database(), autocommit=True)
    legacy.execute(LEGACY_SCHEMA.read_text())
    return legacy


@pytest.mark.parametrize("question", [COLUMNS, RULES])
def test_the_tables_are_those_of_the_legacy_backend(db: None, legacy: psycopg.Connection[Any], question: str) -> None:
    tables = {model._meta.db_table for model in OWN_MODELS} | {"activity_cadets"}
    with legacy:
        expected = described(legacy.execute(question).fetchall(), tables)
    with connection.cursor() as cursor:
        cursor.execute(question)
        found = described(cursor.fetchall(), tables)
    # The join table has an id of its own here, where there its two columns are the key.
    joined = {row for row in found if row[0] == "activity_cadets" and row[1] in ("id", "u")}
    assert found - joined == expected
    assert len(joined) == 1
    assert len(expected) > 10


def test_a_row_that_goes_takes_with_it_what_it_took_in_the_legacy_backend(legacy: psycopg.Connection[Any]) -> None:
    with legacy:
        rows = legacy.execute(REFERENCES).fetchall()
    found = {
        (
            field.model._meta.db_table,
            field.column,
            field.related_model._meta.db_table,
            ON_DELETE[field.remote_field.on_delete],
        )
        for field in FIELDS
        if isinstance(field, models.ForeignKey)
    }
    assert found == {row for row in rows if row[0] != "activity_cadets"}
    assert len(found) == 21


def test_there_are_19_models_and_no_migration_is_missing(db: None) -> None:
    assert len(OWN_MODELS) == 19
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_no_time_is_set_behind_a_services_back() -> None:
    assert not [field for field in FIELDS if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)]
    with_default = {str(field) for field in FIELDS if isinstance(field.db_default, Now)}
    assert with_default == {"authentication.User.created_at", "grading.MeritDemeritLog.date_recorded"}


def test_no_text_has_a_longest_length() -> None:
    assert not [field for field in FIELDS if isinstance(field, models.CharField)]
    assert len([field for field in FIELDS if isinstance(field, models.TextField)]) > 80


def test_what_goes_with_a_cadet_and_what_stays_when_a_user_goes(db: None) -> None:
    one = cadet("1")
    owner = person("owner", Role.CADET, cadet=one)
    kept = {
        "owner": File.objects.create(owner=owner, filename="f"),
        "requested_by": Report.objects.create(requested_by=owner, type="t"),
        "user": Notification.objects.create(user=owner, type="t", message="m"),
    }
    activity = Activity.objects.create(title="t", created_by=owner)
    activity.participants.add(one)
    UserSetting.objects.create(user=owner)
    MeritDemeritLog.objects.create(cadet=one, type="merit", points=-5, issued_by=owner)
    one.delete()
    assert not (User.objects.exists() or UserSetting.objects.exists() or MeritDemeritLog.objects.exists())
    for name, row in {**kept, "created_by": activity}.items():
        row.refresh_from_db()
        assert getattr(row, name) is None


def test_a_category_with_grades_cannot_be_deleted(db: None) -> None:
    category = GradeCategory.objects.create(name="exam", weight=30)
    cadet("1").grade_set.create(category=category, score=92.5)
    with pytest.raises(models.ProtectedError) as refused:
        category.delete()
    assert failure_of(refused.value).status == 409


def test_the_database_itself_knows_the_defaults(db: None) -> None:
    before = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO users (username, password, role) VALUES ('a', '', 'cadet')")
        cursor.execute("INSERT INTO files (filename) VALUES ('f') RETURNING id::text")
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4.*", cursor.fetchone()[0])
    user = User.objects.get()
    assert (user.is_active, user.is_staff, user.is_approved) == (True, False, None)
    assert user.created_at is not None and user.created_at >= before.replace(microsecond=0)


def test_a_time_that_is_given_is_kept(db: None) -> None:
    long_ago = datetime(2020, 2, 29, 12, 0, 0, 1, tzinfo=UTC)
    User.objects.bulk_create([User(username="a", password="", role="admin", created_at=long_ago)])
    assert User.objects.get().created_at == long_ago


def test_two_users_may_share_an_empty_address_and_two_may_have_none(db: None) -> None:
    for number, email in enumerate(["", "", None, None]):
        person(str(number), Role.CADET, email=email)
    assert User.objects.filter(email="").count() == User.objects.filter(email=None).count() == 2


def test_the_admin_site_is_for_active_admins() -> None:
    assert User(role="admin", is_active=True).has_perm("cadets.view_cadet")
    assert not User(role="admin", is_active=False).has_module_perms("cadets")
    assert not User(role="training_staff", is_active=True).has_perm("cadets.view_cadet")
