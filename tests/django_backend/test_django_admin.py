"""The admin site: admins look at every table, whatever it holds; nobody else gets in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse

from apps.activities.models import Activity
from apps.attendance.models import Attendance, ExcuseLetter, StaffAttendance, TrainingDay
from apps.authentication.models import User, UserSetting
from apps.cadets.models import Cadet
from apps.files.models import File
from apps.grading.models import Grade, GradeCategory, MeritDemeritLog
from apps.messaging.models import Message, Notification, PushSubscription
from apps.reports.models import Report
from apps.staff.models import Staff
from apps.system.models import AuditLog, SystemSetting
from common.roles import Role
from tests.django_backend.people import cadet, grade, person


def _day() -> TrainingDay:
    return TrainingDay.objects.create(date="2024-8-05", title="Drill")


def _staff() -> Staff:
    return Staff.objects.create(first_name="Ana", last_name="Cruz")


def _category() -> GradeCategory:
    return grade(cadet("one"), "90").category


# A row of each table with as little in it as there may be, and how people call it.
ROWS: dict[type[models.Model], tuple[Callable[[], models.Model], str]] = {
    Activity: (lambda: Activity.objects.create(title="Parade"), "Parade"),
    Attendance: (
        lambda: Attendance.objects.create(training_day=_day(), cadet=cadet("one"), status="late"),
        "cadet {row.cadet_id} late on day {row.training_day_id}",
    ),
    AuditLog: (
        lambda: AuditLog.objects.create(table_name="cadets", operation="INSERT", record_id="7"),
        "INSERT cadets 7",
    ),
    Cadet: (lambda: cadet("2021-00009"), "Cruz, Ana (2021-00009)"),
    ExcuseLetter: (
        lambda: ExcuseLetter.objects.create(cadet=cadet("one"), date_absent="2024-08-05"),
        "letter of cadet {row.cadet_id} for 2024-08-05",
    ),
    File: (lambda: File.objects.create(filename="note.txt"), "note.txt"),
    Grade: (lambda: grade(cadet("one"), "90.00", term="final"), "90.00 of cadet {row.cadet_id} in final"),
    GradeCategory: (_category, "Subject proficiency"),
    MeritDemeritLog: (
        lambda: MeritDemeritLog.objects.create(cadet=cadet("one"), type="merit", points=3),
        "merit 3 for cadet {row.cadet_id}",
    ),
    Message: (lambda: Message.objects.create(room="a", content="x"), "message {row.pk} in a"),
    Notification: (lambda: Notification.objects.create(type="grade", message="m"), "grade for user None"),
    PushSubscription: (lambda: PushSubscription.objects.create(endpoint="https://p/1", keys="{}"), "https://p/1"),
    Report: (lambda: Report.objects.create(type="grades"), "grades (pending)"),
    Staff: (_staff, "Cruz, Ana"),
    StaffAttendance: (
        lambda: StaffAttendance.objects.create(training_day=_day(), staff=_staff(), status="late"),
        "staff {row.staff_id} late on day {row.training_day_id}",
    ),
    SystemSetting: (lambda: SystemSetting.objects.create(key="semester"), "semester"),
    TrainingDay: (_day, "2024-8-05 Drill"),
    User: (lambda: person("zoe", Role.CADET), "zoe"),
    UserSetting: (lambda: UserSetting.objects.create(user=person("zoe", Role.CADET)), "settings of user {row.pk}"),
}


@pytest.fixture
def office(client: Client, carol: User) -> Client:
    """The browser of an admin whom the column of the legacy lets in."""
    User.objects.filter(pk=carol.pk).update(is_staff=True)
    client.force_login(carol)
    return client


def test_every_table_is_in_the_admin_site() -> None:
    assert {model for model in admin.site._registry if model.__module__.startswith("apps.")} == set(ROWS)


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
def test_an_admin_sees_a_table_and_each_of_its_rows(office: Client, model: type[models.Model]) -> None:
    make, called = ROWS[model]
    row = make()
    row.refresh_from_db()
    assert str(row) == called.format(row=row)
    where = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    table = office.get(reverse(f"{where}_changelist"))
    assert table.status_code == 200
    link = reverse(f"{where}_change", args=[row.pk])
    assert link in table.content.decode()
    page = office.get(link)
    assert page.status_code == 200 and str(row) in page.content.decode()


def test_training_staff_who_were_let_in_find_nothing_there(client: Client, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    client.force_login(User.objects.get(pk=bob.pk))
    assert client.get(reverse("admin:cadets_cadet_changelist")).status_code == 403


def test_who_was_not_let_in_or_is_not_active_stays_outside(client: Client, bob: User, carol: User) -> None:
    User.objects.filter(pk=carol.pk).update(is_active=False, is_staff=True)
    for somebody in (bob, User.objects.get(pk=carol.pk)):
        client.force_login(somebody)
        answer: Any = client.get(reverse("admin:index"))
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, reverse("admin:login"))
