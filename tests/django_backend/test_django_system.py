"""The audit log, the settings of the whole system and its figures."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.attendance.models import TrainingDay
from apps.authentication.models import User
from apps.staff.models import Staff
from apps.system.models import AuditLog, SystemSetting
from tests.django_backend.people import Ask, cadet, refusal, told


def test_the_audit_log_is_newest_first_and_its_ids_are_numbers(ask: Ask, carol: User) -> None:
    for table, payload in [("grades", {"a": 1.5, "é": [None]}), ("merit_demerit_logs", None), ("grades", "text")]:
        AuditLog.objects.create(table_name=table, operation="INSERT", record_id="7", payload=payload)
    answer = told(ask("get", "system/audit-logs", by=carol))
    assert (answer["page"], answer["limit"], answer["total"]) == (1, 20, 3)
    ids = [row["id"] for row in answer["data"]]
    assert ids == sorted(ids, reverse=True)
    assert answer["data"][2]["payload"] == {"a": 1.5, "é": [None]}
    assert list(answer["data"][0]) == [
        *("id", "table_name", "operation", "record_id", "user_id", "payload", "created_at"),
    ]
    assert told(ask("get", "system/audit-logs?table_name=grades&limit=1&page=2", by=carol))["data"][0]["id"] == ids[2]
    assert told(ask("get", "system/audit-logs?table_name=Grades", by=carol))["total"] == 0


def test_an_id_beyond_32_bits_is_still_a_number(ask: Ask, carol: User) -> None:
    AuditLog.objects.create(id=2**53, table_name="grades", operation="DELETE")
    assert b'"id":9007199254740992,' in ask("get", "system/audit-logs", by=carol).content


def test_settings_are_texts_and_booleans_are_digits(ask: Ask, carol: User, alice: User) -> None:
    SystemSetting.objects.create(key="kept", value="as it was")
    body = {"yes": True, "no": False, "five": 5.0, "nothing": None, "words": "é 😀", "": ""}
    saved = {"yes": "1", "no": "0", "five": "5", "nothing": None, "words": "é 😀", "": "", "kept": "as it was"}
    assert told(ask("put", "system/settings", by=carol, body=body)) == saved
    assert told(ask("put", "system/settings", by=carol, body={"kept": "changed"})) == {**saved, "kept": "changed"}
    assert told(ask("get", "system/settings", by=alice)) == {**saved, "kept": "changed"}


@pytest.mark.parametrize("body", [{"good": "1", "bad": {}}, {"good": "1", "bad": "\0"}, {"good": "1", "b\0": "1"}])
def test_one_bad_setting_leaves_all_as_they_were(ask: Ask, carol: User, body: dict[str, Any]) -> None:
    assert refusal(ask("put", "system/settings", by=carol, body=body))[0] == 400
    assert not SystemSetting.objects.exists()


def test_two_keys_that_become_one_are_one_setting(ask: Ask, carol: User) -> None:
    answer = ask("put", "system/settings", by=carol, body=b'{"\\ud83d": "first", "\\ud83e": "second"}')
    assert told(answer) == {"\ufffd": "second"}


def test_everything_is_counted(ask: Ask, bob: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number, archived in enumerate([True, False, None, None]):
        cadet(str(number), is_archived=archived)
    Staff.objects.create(first_name="A", last_name="B")
    TrainingDay.objects.bulk_create([TrainingDay(date="2024-08-05", title="Drill") for _ in range(3)])
    with django_assert_num_queries(5):
        stats = told(ask("get", "system/stats", by=bob))
    assert stats == {
        "totalCadets": 4,
        "activeCadets": 3,
        "archivedCadets": 1,
        "totalStaff": 1,
        "totalUsers": 1,
        "trainingDays": 3,
    }


def test_each_operation_is_for_its_own_people(ask: Ask, alice: User, bob: User) -> None:
    for by, method, path in [
        (alice, "get", "system/stats"),
        (alice, "get", "system/audit-logs"),
        (bob, "get", "system/audit-logs"),
        (alice, "put", "system/settings"),
        (bob, "put", "system/settings"),
    ]:
        body = {"a": "b"} if method == "put" else None
        assert refusal(ask(method, path, by=by, body=body)) == (403, "Access denied")
    assert not SystemSetting.objects.exists()
