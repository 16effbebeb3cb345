"""Merits and demerits: each has its row in the audit log, as the legacy backend's trigger writes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.test import RequestFactory

from apps.authentication.models import User
from apps.grading.merits import merit_log_create, merit_log_delete
from apps.grading.models import MeritDemeritLog
from apps.system.models import AuditLog
from tests.django_backend.people import Ask, cadet, refusal, told

WHEN = datetime(2024, 8, 5, 1, 2, 3, 450000, tzinfo=UTC)
PATH = "grading/merit-logs"


def test_points_are_given_and_audited_once(ask: Ask, bob: User) -> None:
    body = {"cadetId": cadet("1").pk, "type": "merit", "points": 0, "reason": "r", "issuedByName": "Bob"}
    answer = ask("post", PATH, by=bob, body=body)
    row = told(answer)
    assert answer.status_code == 201
    assert (row["points"], row["issued_by"], row["issued_by_name"]) == (0, bob.pk, "Bob")
    audit = AuditLog.objects.get()
    assert (audit.table_name, audit.operation, audit.record_id) == ("merit_demerit_logs", "INSERT", str(row["id"]))
    assert audit.user_id == bob.pk and set(audit.payload) == set(row)


def test_the_audit_holds_the_row_as_the_trigger_writes_it(bob: User) -> None:
    values = {"cadet_id": cadet("1").pk, "type": "demerit", "points": -5}
    row = merit_log_create(values=values, issued_by=bob.pk, now=WHEN)
    assert AuditLog.objects.get().payload == {
        **{"id": row["id"], "type": "demerit", "points": -5, "reason": None, "cadet_id": values["cadet_id"]},
        **{"issued_by": bob.pk, "date_recorded": "2024-08-05T01:02:03.45", "issued_by_name": None},
    }


def test_a_deletion_is_audited_with_whoever_gave_the_points(ask: Ask, bob: User, carol: User) -> None:
    log = MeritDemeritLog.objects.create(cadet=cadet("1"), type="merit", points=5, issued_by=bob, date_recorded=None)
    assert told(ask("delete", f"{PATH}/{log.pk}", by=carol)) == {"message": "Merit log deleted"}
    audit = AuditLog.objects.get()
    assert (audit.operation, audit.record_id, audit.user_id) == ("DELETE", str(log.pk), bob.pk)
    assert audit.payload["date_recorded"] is None
    assert refusal(ask("delete", f"{PATH}/{log.pk}", by=carol)) == (404, "Merit log not found")
    assert AuditLog.objects.count() == 1


def test_an_instant_without_a_fraction_has_none_in_the_audit(bob: User) -> None:
    values = {"cadet_id": cadet("1").pk, "type": "merit", "points": 1}
    row = merit_log_create(values=values, issued_by=bob.pk, now=WHEN.replace(microsecond=0))
    merit_log_delete(log_id=row["id"], now=WHEN)
    assert {log.payload["date_recorded"] for log in AuditLog.objects.all()} == {"2024-08-05T01:02:03"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"cadetId": 0},
        {"type": ""},
        {"points": None},
        {"points": ""},
        {"points": 1.5},
        {"type": "bribe"},
        {"points": "x"},
    ],
)
def test_points_that_make_no_sense_are_refused(ask: Ask, bob: User, wrong: dict[str, Any]) -> None:
    body = {"cadetId": cadet("1").pk, "type": "merit", "points": 5, **wrong}
    assert refusal(ask("post", PATH, by=bob, body=body))[0] == 400
    assert not MeritDemeritLog.objects.exists() and not AuditLog.objects.exists()


def test_lists_are_newest_first_and_cadets_see_their_own(ask: Ask, alice: User, charlie: User, bob: User) -> None:
    for whose, type, when in [(alice, "merit", 1), (charlie, "merit", 2), (alice, "demerit", None)]:
        recorded = when and WHEN.replace(day=when)
        MeritDemeritLog.objects.create(cadet_id=whose.cadet_id, type=type, points=1, date_recorded=recorded)

    def seen(by: User, query: str = "") -> list[tuple[int, str]]:
        return [(row["cadet_id"], row["type"]) for row in told(ask("get", PATH + query, by=by))["data"]]

    first, second = alice.cadet_id, charlie.cadet_id
    assert seen(bob) == [(first, "demerit"), (second, "merit"), (first, "merit")]
    assert seen(bob, "?type=merit") == [(second, "merit"), (first, "merit")]
    assert seen(charlie, f"?cadetId={first}") == [(second, "merit")]


def test_a_ledger_runs_between_two_rows_that_are_in_no_table(ask: Ask, alice: User) -> None:
    for type, points, day in [("demerit", 150, 2), ("merit", 5, 1), ("demerit", -1, 3)]:
        MeritDemeritLog.objects.create(
            cadet_id=alice.cadet_id, type=type, points=points, date_recorded=WHEN.replace(day=day)
        )
    lines = told(ask("get", f"grading/cadets/{alice.cadet_id}/ledger", by=alice))
    assert [line["balance"] for line in lines] == [100, 105, -45, -44, -44]
    first, last = lines[0], lines[-1]
    assert list(first) == [
        *("id", "cadet_id", "type", "points", "reason", "issued_by", "issued_by_name", "date_recorded", "balance"),
    ]
    assert (first["id"], first["points"], first["reason"]) == (None, 100, "Base aptitude")
    assert (last["points"], last["reason"], last["issued_by_name"]) == (0, "Current balance", "System")
    assert first["date_recorded"] == last["date_recorded"] > "2024"


def test_an_unknown_cadet_has_a_ledger_of_two_rows(ask: Ask, bob: User) -> None:
    assert len(told(ask("get", "grading/cadets/999999/ledger", by=bob))) == 2


def test_the_leaderboard_is_by_points_then_by_id(ask: Ask, alice: User) -> None:
    one, two, three = (cadet(str(number), company="Alpha") for number in range(3))
    cadet("old", is_archived=True)
    for whose, type, points in [(three, "merit", 7), (three, "demerit", 2), (two, "demerit", 1)]:
        MeritDemeritLog.objects.create(cadet=whose, type=type, points=points)
    board = told(ask("get", "grading/leaderboard", by=alice))
    assert board[0] == {
        **{"rank": 1, "cadetId": three.pk, "firstName": "Ana", "lastName": "Cruz", "company": "Alpha"},
        **{"merits": 7, "demerits": 2, "points": 5},
    }
    assert [line["cadetId"] for line in board] == [three.pk, alice.cadet_id, one.pk, two.pk]
    assert board[-1]["points"] == -1
    assert len(told(ask("get", "grading/leaderboard?limit=2", by=alice))) == 2
    assert told(ask("get", "grading/leaderboard?limit=0", by=alice)) == []
    for word in ("x", "-1", "1.5"):
        assert refusal(ask("get", f"grading/leaderboard?limit={word}", by=alice))[0] == 400


def test_nobody_writes_points_past_the_audit_in_the_admin_site(carol: User) -> None:
    request = RequestFactory().get("/admin/")
    request.user = carol
    site = admin.site.get_model_admin(MeritDemeritLog)
    assert not site.has_add_permission(request) and not site.has_delete_permission(request)
    assert not site.has_change_permission(request) and site.has_view_permission(request)
