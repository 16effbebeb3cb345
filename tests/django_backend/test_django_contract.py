"""The contract: every operation on its page is served here, and nothing else is."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from pytest_django import DjangoAssertNumQueries

from apps.activities.models import Activity
from apps.attendance.models import Attendance, ExcuseLetter, TrainingDay
from apps.authentication.models import User
from apps.files.models import File
from apps.grading.models import GradeCategory, MeritDemeritLog
from apps.messaging.models import Message, Notification
from apps.reports.models import Report
from apps.staff.models import Staff
from apps.system.models import AuditLog
from common.paths import AnyCase
from tests.django_backend.people import Ask, cadet, grade, told

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
OPERATION = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/?[a-z][^`?\s]*)[^`]*`")
PARAMETER = re.compile(r"\{\w+\}")
# Who asks, the begin and the end of each service, and the few statements of the write itself.
MOST_QUERIES = 14


def promised() -> dict[str, set[str]]:
    """The methods of every path on the page, by path; what is served outside the tables is health."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in PAGE.read_text().splitlines():
        # The operation stands in the first cell, which may hold two.
        for method, path in OPERATION.findall(line.split(" | ")[0]) if line.startswith("| `") else ():
            found[path if path.startswith("/") else f"/api/v1/{path}"].add(method)
    return dict(found)


def test_the_page_is_read_rightly() -> None:
    found = promised()
    assert sum(map(len, found.values())) == 85
    assert found["/api/v1/grading/categories/{id}"] == {"PUT", "DELETE"}
    assert found["/uploads/{name}"] == {"GET"}


@pytest.mark.parametrize("path", sorted(promised()))
def test_every_path_of_the_contract_serves_its_methods_and_no_others(client: Client, path: str) -> None:
    allowed = client.options(PARAMETER.sub("1", path))["Allow"].split(", ")
    assert set(allowed) - {"HEAD", "OPTIONS"} == promised()[path]


def test_no_path_is_served_that_is_not_in_the_contract() -> None:
    served = [entry for entry in get_resolver().url_patterns if isinstance(entry.pattern, AnyCase)]
    assert len(served) == len(promised())


LISTS = {
    "cadets": lambda n: cadet(f"2030-{n}"),
    "staff": lambda n: Staff.objects.create(first_name="a", last_name="b"),
    "activities": lambda n: Activity.objects.create(title="x"),
    "attendance/days": lambda n: TrainingDay.objects.create(date="x", title="y"),
    "attendance/excuse-letters": lambda n: ExcuseLetter.objects.create(cadet=cadet(f"1{n}"), date_absent="2024-08-05"),
    "grading/grades": lambda n: grade(cadet(f"2{n}"), "90"),
    "grading/merit-logs": lambda n: MeritDemeritLog.objects.create(cadet=cadet(f"3{n}"), type="merit", points=1),
    "files": lambda n: File.objects.create(filename="f"),
    "reports": lambda n: Report.objects.create(type="t", file=File.objects.create(filename="f")),
    "messaging/rooms/a/messages": lambda n: Message.objects.create(room="a", content="x"),
    "messaging/notifications": lambda n: Notification.objects.create(type="t", message="m"),
    "system/audit-logs": lambda n: AuditLog.objects.create(table_name="t", operation="INSERT"),
}


@pytest.mark.parametrize("path", LISTS)
def test_a_list_costs_three_queries_however_long_it_is(
    ask: Ask, carol: User, django_assert_num_queries: DjangoAssertNumQueries, path: str
) -> None:
    for number in range(30):
        LISTS[path](number)
        if number in (0, 29):
            with django_assert_num_queries(3):
                page = told(ask("get", f"{path}?limit=100", by=carol))
            assert list(page) == ["page", "limit", "total", "data"]
            assert page["total"] == len(page["data"]) == number + 1


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("attendance/my-history", 3),
        ("attendance/days/{day}/records", 2),
        ("activities/{activity}", 3),
        ("grading/categories", 2),
        ("grading/leaderboard?limit=100", 2),
        ("grading/cadets/{cadet}/summary", 2),
        ("grading/cadets/{cadet}/ledger", 2),
    ],
)
def test_what_is_not_a_page_costs_as_little(
    ask: Ask, alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries, path: str, queries: int
) -> None:
    activity = Activity.objects.create(title="x")
    for number in range(20):
        day, other = TrainingDay.objects.create(date="x", title="y"), cadet(str(number))
        activity.participants.add(other)
        for whose in (other.pk, alice.cadet_id):
            Attendance.objects.create(training_day=day, cadet_id=whose, status="present")
            MeritDemeritLog.objects.create(cadet_id=whose, type="merit", points=1)
        GradeCategory.objects.create(name=str(number), weight=1)
    known: dict[str, Any] = {"day": day.pk, "activity": activity.pk, "cadet": alice.cadet_id}
    with django_assert_num_queries(queries):
        answer = ask("get", path.format(**known), by=alice if "history" in path else bob)
    assert answer.status_code == 200 and len(told(answer)) >= 4


CSV = "student_id,first_name,last_name\n"
PRIVATE = {"endpoint": "e", "keys": {"auth": "x"}}


def _many(rows: int) -> dict[str, tuple[str, str, Any]]:
    """Every write of many rows, by what it is called here: method, path and body."""
    cadets = [cadet(f"many-{rows}-{number}").pk for number in range(rows)]
    day, activity = TrainingDay.objects.create(date="x", title="y"), Activity.objects.create(title="x")
    subject, _ = GradeCategory.objects.get_or_create(name="s", defaults={"weight": 1})
    marks = [{"cadetId": one, "status": "late"} for one in cadets]
    scores = [{"cadetId": one, "score": 90} for one in cadets]
    staff = [Staff.objects.create(first_name="a", last_name="b").pk for _ in range(rows)]
    return {
        "archive": ("post", "cadets/bulk/archive", {"ids": cadets}),
        "restore": ("post", "cadets/bulk/restore", {"ids": cadets}),
        "archive staff": ("post", "staff/bulk/archive", {"ids": staff}),
        "mark": ("post", "attendance/mark/bulk", {"trainingDayId": day.pk, "records": marks}),
        "grade": ("post", "grading/grades/bulk", {"categoryId": subject.pk, "term": "final", "grades": scores}),
        "take part": ("post", f"activities/{activity.pk}/participants", {"cadet_ids": cadets}),
        "read": ("put", "messaging/notifications/read-all", {}),
        "set": ("put", "system/settings", {f"key {number}": number for number in range(rows)}),
        "delete an activity": ("delete", f"activities/{activity.pk}", None),
        "delete a day": ("delete", f"attendance/days/{day.pk}", None),
    }


@pytest.mark.parametrize("what", ["cadets", "staff"])
def test_a_spreadsheet_costs_as_many_queries_whatever_it_holds(ask: Ask, carol: User, what: str) -> None:
    costs = []
    for rows in (2, 60):
        text = CSV + "".join(f"{rows}-{number},a,b\n" for number in range(rows))
        file = SimpleUploadedFile("import.csv", text.encode(), "text/csv")
        with CaptureQueriesContext(connection) as queries:
            assert told(ask("post", f"{what}/import", by=carol, data={"file": file})) == {"imported": rows}
        costs.append(len(queries))
    assert costs[0] == costs[1] <= MOST_QUERIES


def test_a_write_of_many_rows_costs_as_many_queries_as_one_of_two(ask: Ask, carol: User) -> None:
    costs: list[dict[str, int]] = []
    for rows in (2, 60):
        found = {}
        for name, (method, path, body) in _many(rows).items():
            with CaptureQueriesContext(connection) as queries:
                assert ask(method, path, by=carol, **({} if body is None else {"body": body})).status_code == 200
            found[name] = len(queries)
        costs.append(found)
    assert costs[0] == costs[1]
    assert max(costs[0].values()) <= MOST_QUERIES


def test_a_write_of_one_row_costs_few_queries(ask: Ask, carol: User) -> None:
    who, other = cadet("one"), Staff.objects.create(first_name="a", last_name="b")
    day, activity = TrainingDay.objects.create(date="x", title="y"), Activity.objects.create(title="x")
    given = grade(who, "90")
    letter = ExcuseLetter.objects.create(cadet=who, training_day=day, date_absent="2024-08-05")
    mark = {"trainingDayId": day.pk, "status": "late"}
    writes: list[tuple[str, str, Any]] = [
        ("put", "auth/settings", {"darkMode": True}),
        ("post", "auth/heartbeat", {}),
        ("post", "cadets", {"first_name": "a", "last_name": "b", "student_id": "new"}),
        ("put", f"cadets/{who.pk}", {"company": "A"}),
        ("delete", f"cadets/{who.pk}", None),
        ("post", "staff", {"first_name": "a", "last_name": "b"}),
        ("put", f"staff/{other.pk}", {"rank": "A"}),
        ("post", "activities", {"title": "x"}),
        ("put", f"activities/{activity.pk}", {"title": "y"}),
        ("delete", f"activities/{activity.pk}", None),
        ("post", "attendance/days", {"date": "x", "title": "y"}),
        ("post", "attendance/mark", {**mark, "cadetId": who.pk}),
        ("post", "attendance/staff/mark", {**mark, "staffId": other.pk}),
        ("post", "attendance/scan", {"trainingDayId": day.pk, "qrData": who.student_id}),
        ("put", f"attendance/excuse-letters/{letter.pk}/status", {"status": "approved"}),
        ("put", f"grading/grades/{given.pk}", {"score": 80}),
        ("delete", f"grading/grades/{given.pk}", None),
        ("post", "grading/grades", {"cadetId": who.pk, "categoryId": given.category_id, "score": 70}),
        ("post", "grading/merit-logs", {"cadetId": who.pk, "type": "merit", "points": 1}),
        ("post", "messaging/rooms/a/messages", {"content": "x"}),
        ("post", "messaging/broadcast", {"message": "x"}),
        ("post", "messaging/push/subscribe", PRIVATE),
    ]
    for method, path, body in writes:
        with CaptureQueriesContext(connection) as queries:
            answer = ask(method, path, by=carol, **({} if body is None else {"body": body}))
        assert answer.status_code < 300, (path, answer.content)
        assert len(queries) <= MOST_QUERIES, (path, queries.captured_queries)
