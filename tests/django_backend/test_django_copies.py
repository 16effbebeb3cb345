"""Copies: a mirrored request writes nothing, a replay adopts what its original made up, and nobody else is believed."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from structlog.testing import capture_logs

from apps.activities.models import Activity
from apps.attendance.models import Attendance, TrainingDay
from apps.authentication.models import User
from apps.files.models import File
from apps.grading.models import Grade, GradeCategory, MeritDemeritLog
from apps.messaging.models import Notification
from apps.reports.models import Report
from apps.system.models import AuditLog
from common.copies import arrival
from tests.django_backend.people import (
    CUTOVER_SECRET,
    PASSWORD,
    PICTURE,
    Ask,
    Copy,
    cadet,
    copy_headers,
    form,
    picture,
    refusal,
    told,
)

THEN = "2024-08-05T01:02:03.456Z"
NEW = {"title": "Run"}
# Beyond what any test has counted to: sequences are not set back with their transaction.
MANY = 1_000_000
UUIDS = ["4b0e0f7e-1111-4111-8111-111111111111", "4b0e0f7e-2222-4222-8222-222222222222"]


def test_a_mirrored_read_is_answered_as_the_original(ask: Ask, copy: Copy, bob: User) -> None:
    cadet("1")
    for path in ("cadets?search=1", "auth/me", "system/stats", "cadets/999999", "nope"):
        original, mirrored = ask("get", path, by=bob), copy("mirror", "get", path, by=bob, key=None)
        assert (original.status_code, told(original)) == (mirrored.status_code, told(mirrored))


def test_a_mirrored_login_writes_nothing_and_succeeds(copy: Copy, alice: User) -> None:
    answer = copy("mirror", "post", "auth/login", body={"username": "alice", "password": PASSWORD}, key=None)
    assert answer.status_code == 200 and told(answer)["token"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "auth/heartbeat", None),
        ("put", "auth/settings", {"darkMode": True}),
        ("post", "activities", NEW),
        ("post", "grading/merit-logs", {"cadetId": 1, "type": "merit", "points": 1}),
        ("post", "attendance/mark/bulk", {"trainingDayId": 1, "records": [{"cadetId": 1, "status": "late"}]}),
        ("put", "system/settings", {"a": "b"}),
        ("post", "messaging/broadcast", {"message": "x"}),
        ("post", "reports", {"type": "grades"}),
        ("post", "activities/1/participants", {"cadet_ids": [1]}),
    ],
)
def test_a_mirrored_write_is_refused_by_the_database_itself(
    copy: Copy, carol: User, method: str, path: str, body: Any
) -> None:
    with capture_logs() as logs:
        answer = copy("mirror", method, path, by=carol, body=body, key=None)
    assert refusal(answer) == (409, "A mirrored request must not write")
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["request failed"]
    assert not (Activity.objects.exists() or AuditLog.objects.exists() or Report.objects.exists())
    # The next request of this connection writes as ever.
    Activity.objects.create(title="x")


@pytest.mark.parametrize("forged", ["unsigned", "wrong", "old", "other kind", "other key"])
def test_who_cannot_prove_to_bring_a_copy_is_refused(ask: Ask, settings: Any, bob: User, forged: str) -> None:
    settings.CUTOVER_SECRET = CUTOVER_SECRET
    raw = b'{"title": "Run"}'
    at = 1 if forged == "old" else None
    pin = '{"ids": {"activities": [777]}, "actor": 1}'
    kind = "forget" if forged == "other kind" else "replay"
    headers = copy_headers(kind, "post", "/api/v1/activities", raw, "k", at, pin)
    if forged == "unsigned":
        del headers["X-Cutover-Signature"]
    if forged == "wrong":
        headers["X-Cutover-Signature"] = headers["X-Cutover-Signature"][:-1] + "x"
    if forged == "other key":
        headers["Idempotency-Key"] = "l"
    with capture_logs() as logs:
        answer = ask("post", "activities", by=bob, body=raw, headers=headers)
    assert answer.status_code == 403 and told(answer)["code"] == "COPY_NOT_PROVEN"
    assert not Activity.objects.exists()
    line = next(line for line in logs if line["event"] == "a copy was not believed")
    assert line["log_level"] == "warning" and line["reason"]


def test_without_a_secret_nobody_brings_a_copy(ask: Ask, settings: Any, bob: User) -> None:
    settings.CUTOVER_SECRET = ""
    raw = b'{"title": "Run"}'
    pin = '{"ids": {"activities": [777]}, "actor": 1}'
    headers = copy_headers("replay", "post", "/api/v1/activities", raw, "k", None, pin)
    row = told(ask("post", "activities", by=bob, body=raw, headers=headers))
    assert row["id"] != 777 and row["created_by"] == bob.pk


@pytest.mark.parametrize("kind", ["mirror", "replay", "resolve"])
def test_a_copy_that_comes_too_late_does_nothing(ask: Ask, settings: Any, bob: User, kind: str) -> None:
    settings.CUTOVER_SECRET = CUTOVER_SECRET
    raw = b"" if kind == "resolve" else b'{"title": "Run"}'
    headers = copy_headers(kind, "post", "/api/v1/activities", raw, "k", int(time.time()) - 301)
    assert ask("post", "activities", by=bob, body=raw, headers=headers).status_code == 403
    assert not Activity.objects.exists()


def test_a_replay_adopts_the_id_the_time_and_the_actor(copy: Copy, bob: User, carol: User) -> None:
    pin = {"now": THEN, "actor": carol.pk, "ids": {"activities": [MANY]}}
    row = told(copy("replay", "post", "activities", by=bob, body=NEW, pin=pin))
    assert (row["id"], row["created_by"]) == (MANY, carol.pk)
    assert row["created_at"] == row["updated_at"] == "2024-08-05T01:02:03.456000Z"


def test_ids_go_on_behind_one_that_was_adopted_and_never_back(ask: Ask, copy: Copy, bob: User) -> None:
    copy("replay", "post", "activities", by=bob, body=NEW, key="a", pin={"ids": {"activities": [MANY]}})
    assert told(ask("post", "activities", by=bob, body=NEW))["id"] == MANY + 1
    copy("replay", "post", "activities", by=bob, body=NEW, key="b", pin={"ids": {"activities": [MANY - 1]}})
    assert told(ask("post", "activities", by=bob, body=NEW))["id"] == MANY + 2


def test_an_id_that_is_taken_is_a_conflict(copy: Copy, bob: User) -> None:
    made = Activity.objects.create(title="x")
    answer = copy("replay", "post", "activities", by=bob, body=NEW, pin={"ids": {"activities": [made.pk]}})
    assert refusal(answer) == (409, "Already exists")


def test_a_replay_without_pins_and_without_a_key_is_one_all_the_same(copy: Copy, bob: User) -> None:
    assert copy("replay", "post", "activities", by=bob, body=NEW, key=None).status_code == 201
    again = copy("replay", "post", "activities", by=bob, body=NEW, key=None)
    # The signature is for an id, and that is its key.
    assert again["Idempotency-Replayed"] == "true" and Activity.objects.count() == 1


def test_rows_that_follow_from_others_adopt_their_ids_too(copy: Copy, alice: User, bob: User) -> None:
    category = GradeCategory.objects.create(name="x", weight=1)
    body = {"cadetId": alice.cadet_id, "categoryId": category.pk, "score": 1}
    pin = {"now": THEN, "ids": {"grades": [70], "notifications": [80]}}
    assert told(copy("replay", "post", "grading/grades", by=bob, body=body, key="a", pin=pin))["id"] == 70
    merit = {"cadetId": alice.cadet_id, "type": "merit", "points": 1}
    pin = {"now": THEN, "actor": alice.pk, "ids": {"merit_demerit_logs": [71], "audit_logs": [2**40]}}
    told(copy("replay", "post", "grading/merit-logs", by=bob, body=merit, key="b", pin=pin))
    assert (Grade.objects.get().pk, Notification.objects.get().pk) == (70, 80)
    assert (MeritDemeritLog.objects.get().pk, AuditLog.objects.get().pk) == (71, 2**40)
    audit = AuditLog.objects.get()
    assert (audit.user_id, audit.created_at) == (alice.pk, datetime(2024, 8, 5, 1, 2, 3, 456000, tzinfo=UTC))


def test_a_mark_that_is_written_over_keeps_its_id(copy: Copy, bob: User) -> None:
    day, who = TrainingDay.objects.create(date="x", title="y"), cadet("1")
    mark = Attendance.objects.create(training_day=day, cadet=who, status="late")
    body = {"trainingDayId": day.pk, "cadetId": who.pk, "status": "present"}
    for key, pinned in [("a", mark.pk), ("b", 9000)]:
        pin = {"ids": {"attendance": [pinned]}}
        assert told(copy("replay", "post", "attendance/mark", by=bob, body=body, key=key, pin=pin))["id"] == mark.pk


def test_many_rows_adopt_their_ids_in_order(ask: Ask, copy: Copy, bob: User) -> None:
    day, who = TrainingDay.objects.create(date="x", title="y"), [cadet(str(number)).pk for number in range(3)]
    body = {"trainingDayId": day.pk, "records": [{"cadetId": one, "status": "late"} for one in who[:2]]}
    copy("replay", "post", "attendance/mark/bulk", by=bob, body=body, pin={"ids": {"attendance": [MANY, MANY + 1]}})
    assert list(Attendance.objects.order_by("cadet_id").values_list("pk", flat=True)) == [MANY, MANY + 1]
    body = {"trainingDayId": day.pk, "cadetId": who[2], "status": "late"}
    assert told(ask("post", "attendance/mark", by=bob, body=body))["id"] == MANY + 2


def test_a_replayed_upload_adopts_its_url_and_keeps_no_bytes(
    ask: Ask, settings: Any, alice: User, uploads: Path
) -> None:
    settings.CUTOVER_SECRET = CUTOVER_SECRET
    raw = form({"file": picture()})["data"]
    pin = f'{{"now": "{THEN}", "ids": {{"files": ["{UUIDS[0]}"]}}, "urls": ["/uploads/there.png"]}}'
    headers = copy_headers("replay", "post", "/api/v1/files/upload", raw, "k", pin=pin)
    row = told(ask("post", "files/upload", by=alice, headers=headers, data={"file": picture()}))
    assert (row["id"], row["url"], row["size"]) == (UUIDS[0], "/uploads/there.png", len(PICTURE))
    assert not uploads.exists() and File.objects.count() == 1


def test_a_replayed_order_of_a_report_is_a_row_and_no_job(copy: Copy, bob: User) -> None:
    pin = {"now": THEN, "ids": {"reports": [UUIDS[1]]}}
    answer = copy("replay", "post", "reports", by=bob, body={"type": "grades"}, pin=pin)
    assert (answer.status_code, told(answer)["id"], told(answer)["status"]) == (202, UUIDS[1], "pending")


@pytest.mark.parametrize("pin", ["{", '{"now": "yesterday"}', '{"ids": {"activities": ["x"]}}'])
def test_pins_that_cannot_be_understood_stop_the_replay(copy: Copy, bob: User, pin: str) -> None:
    answer = copy("replay", "post", "activities", by=bob, body=NEW, pin=pin)
    assert refusal(answer) == (400, "X-Cutover-Pin cannot be understood")
    assert not Activity.objects.exists()


def test_the_target_is_the_one_on_the_wire_where_the_server_tells_it(copy: Copy, ask: Ask, bob: User) -> None:
    headers = copy_headers("mirror", "get", "/api/v1/cadets?search=%41", b"", "k")
    raw = {"RAW_URI": "/api/v1/cadets?search=%41"}
    with capture_logs() as logs:
        assert ask("get", "cadets?search=A", by=bob, headers=headers, **raw).status_code == 200
    assert not logs
    assert arrival.KEY_HEADER == "Idempotency-Key"


def test_a_read_only_transaction_ends_with_its_request(copy: Copy, bob: User) -> None:
    copy("mirror", "get", "cadets", by=bob, key=None)
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        assert cursor.fetchone() == ("off",)


@pytest.mark.parametrize(
    "altered",
    [
        {"X-Cutover-Pin": json.dumps({"now": THEN, "actor": 1, "ids": {"activities": [MANY // 2 + 1]}})},
        {"X-Cutover-Pin": ""},
        {"X-Cutover-Copy": "mirror"},
        {"X-Cutover-Copy": "resolve"},
    ],
    ids=["other pins", "no pins", "as a mirrored one", "as a question"],
)
def test_a_copy_whose_pins_or_purpose_were_altered_is_refused(copy: Copy, bob: User, altered: dict[str, str]) -> None:
    pin = {"now": THEN, "actor": 1, "ids": {"activities": [MANY // 2]}}
    answer = copy("replay", "post", "activities", by=bob, body=NEW, pin=pin, headers=altered)
    assert answer.status_code == 403 and told(answer)["code"] == "COPY_NOT_PROVEN"
    assert not Activity.objects.exists()
