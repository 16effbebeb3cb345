"""Jobs in a real worker: done while this backend is active, tried again, given up, and never lost."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from celery.result import AsyncResult
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.authentication.models import User
from apps.files.models import File
from apps.grading.models import GradeCategory
from apps.messaging.models import Notification
from apps.reports.models import Report
from apps.reports.tables import TYPES
from common.active import Reading, Standing, judged, reading
from common.health import CELERY_ALIVE_KEY
from common.jobs.queue import threads
from common.jobs.signs import ALIVE_SECONDS
from proxy.embedded import EmbeddedRedis
from tests.django_backend.people import PASSWORD, Ask, cadet, told
from tests.django_backend.serving import Start, asked
from tests.django_backend.working import Worker, database_of_tests, outcome, worker_running
from tests.support.waiting import eventually, is_running

pytestmark = pytest.mark.django_db(transaction=True)
GENERATE = "apps.reports.tasks.generate_report"
NOBODY = "00000000-0000-4000-8000-000000000000"


def put_off(worker: Worker, result: AsyncResult) -> datetime:
    """Until when the worker holds a job back that is to come again; it is forgotten then."""
    found: list[datetime] = []

    def held() -> bool:
        reply = worker.client.control.inspect(timeout=5, limit=1).scheduled() or {}
        jobs = [job for jobs in reply.values() for job in jobs]
        found.extend(datetime.fromisoformat(job["eta"]) for job in jobs if job["request"]["id"] == result.id)
        return bool(found)

    eventually(lambda: result.state == "RETRY", within=30)
    eventually(held, within=30)
    result.revoke()
    return found[0]


def ordered(bob: User, **columns: Any) -> Report:
    return Report.objects.create(**{"type": "grades", "requested_by": bob, "created_at": timezone.now(), **columns})


def test_celery_task_execution(worker: Worker, bob: User) -> None:
    cadet("1")
    report = ordered(bob, params={"format": "pdf"})
    result = worker.give(GENERATE, str(report.pk))
    assert outcome(result) == "success"
    report.refresh_from_db()
    assert report.status == "completed" and report.file is not None and report.file.url is not None
    made = worker.uploads / report.file.url.removeprefix("/uploads/")
    assert made.read_bytes().startswith(b"%PDF-")
    assert Notification.objects.get(user=bob).message == "Report ready: grades"
    kept = json.loads(worker.cache.get(f"celery-task-meta-{result.id}") or b"")  # type: ignore[arg-type]
    assert (kept["status"], kept["result"]) == ("SUCCESS", "success")
    assert worker.decisions() == {"ran": 1}


def test_what_a_job_was_given_is_not_in_the_log(worker: Worker, bob: User) -> None:
    category = GradeCategory.objects.create(name="c", weight=1)
    grades = [{"cadet_id": cadet("1").pk, "score": 71, "remarks": "a secret of hers"}]
    assert worker.done("apps.grading.tasks.grade_in_bulk", category.pk, grades, bob.pk) == 1
    eventually(lambda: "grade_in_bulk" in worker.log.read_text().partition("succeeded")[0])
    assert "a secret" not in worker.log.read_text()


def test_a_report_ordered_over_http_is_made_by_the_worker(worker: Worker, start: Start, carol: User) -> None:
    connection = start(**{**worker.environment, "CUTOVER_DATABASE_URL": ""})
    credentials = json.dumps({"username": "carol", "password": PASSWORD})
    kind = {"Content-Type": "application/json"}
    _, login = asked(connection, "POST", "/api/v1/auth/login", credentials, **kind)
    bearer = {"Authorization": f"Bearer {login['token']}", **kind}
    status, row = asked(connection, "POST", "/api/v1/reports", '{"type": "merits"}', **bearer)
    assert (status, row["status"]) == (202, "pending")
    path = f"/api/v1/reports/{row['id']}"
    eventually(lambda: asked(connection, "GET", path, None, **bearer)[1]["status"] == "completed", within=30)
    eventually(lambda: worker.decisions() == {"ran": 1})
    assert any(worker.cache.get(key) for key in worker.cache.keys("celery-task-meta-*"))  # type: ignore[union-attr]


def test_a_missing_row_is_raised_at_once_and_not_tried_again(worker: Worker, db: None) -> None:
    result = worker.give(GENERATE, NOBODY)
    with pytest.raises(Exception, match="Report matching query does not exist"):
        outcome(result)
    assert result.state == "FAILURE"
    assert worker.decisions() == {"failed": 1}


def test_what_no_repetition_mends_fails_at_once(worker: Worker, bob: User) -> None:
    report = ordered(bob, type="nonsense")
    with pytest.raises(Exception, match="Unknown type of report"):
        worker.done(GENERATE, str(report.pk))
    report.refresh_from_db()
    assert report.status == "failed" and worker.decisions() == {"failed": 1}


@pytest.mark.parametrize(("tried", "seconds"), [(0, 60), (1, 120), (2, 240)])
def test_a_failure_is_tried_again_after_a_minute_and_then_twice_as_long(
    worker: Worker, bob: User, tried: int, seconds: int
) -> None:
    report = ordered(bob)
    worker.uploads.rename(worker.uploads.with_suffix(".away"))
    worker.uploads.write_text("in the way")
    try:
        result = worker.give(GENERATE, str(report.pk), retries=tried)
        remaining = put_off(worker, result) - datetime.now(UTC)
    finally:
        worker.uploads.unlink()
        worker.uploads.with_suffix(".away").rename(worker.uploads)
    assert timedelta(seconds=seconds / 2) < remaining <= timedelta(seconds=seconds)
    report.refresh_from_db()
    assert report.status == "pending" and not File.objects.exists()


def test_the_fourth_failure_is_the_last(worker: Worker, bob: User) -> None:
    report = ordered(bob)
    worker.uploads.rename(worker.uploads.with_suffix(".away"))
    worker.uploads.write_text("in the way")
    try:
        with pytest.raises(Exception, match="File exists"):
            worker.done(GENERATE, str(report.pk), retries=3)
    finally:
        worker.uploads.unlink()
        worker.uploads.with_suffix(".away").rename(worker.uploads)
    report.refresh_from_db()
    assert report.status == "failed" and not File.objects.exists()


@pytest.mark.parametrize(
    ("active", "fenced", "decision"), [("node", False, "standby"), ("django", True, "fenced"), ("node", True, "fenced")]
)
def test_a_job_waits_while_this_backend_is_not_active(
    worker: Worker, bob: User, active: str, fenced: bool, decision: str
) -> None:
    worker.roles(active, fenced=fenced)
    report = ordered(bob)
    put_off(worker, worker.give(GENERATE, str(report.pk)))
    report.refresh_from_db()
    assert report.status == "pending" and not File.objects.exists() and not Notification.objects.exists()
    assert worker.decisions() == {decision: 1}


def test_a_job_of_the_schedule_is_left_out_while_this_backend_is_not_active(worker: Worker, db: None) -> None:
    worker.roles("node")
    assert worker.done("apps.reports.tasks.generate_daily_reports") == "standby"
    assert not Report.objects.exists()


def test_nobody_works_while_nobody_can_say_who_is_active(worker: Worker, bob: User) -> None:
    with psycopg.connect(worker.control_url, autocommit=True) as control:
        control.execute("ALTER SCHEMA cutover RENAME TO gone")
        try:
            report = ordered(bob)
            put_off(worker, worker.give(GENERATE, str(report.pk)))
        finally:
            control.execute("ALTER SCHEMA gone RENAME TO cutover")
    report.refresh_from_db()
    assert report.status == "pending" and worker.decisions() == {"unknown": 1}


def test_what_a_job_wrote_while_the_roles_changed_is_undone(worker: Worker, bob: User) -> None:
    report = ordered(bob)
    with psycopg.connect(worker.environment["DATABASE_URL"]) as held_up:
        held_up.execute("LOCK TABLE notifications IN ACCESS EXCLUSIVE MODE")
        result = worker.give(GENERATE, str(report.pk))
        eventually(lambda: result.state == "STARTED" and list(worker.uploads.iterdir()), within=30)
        worker.roles("node")
    put_off(worker, result)
    report.refresh_from_db()
    assert report.status == "pending" and not File.objects.exists() and not Notification.objects.exists()
    assert worker.decisions() == {"overtaken": 1}


def test_a_worker_that_dies_leaves_its_job_to_the_next(worker: Worker, bob: User) -> None:
    report = ordered(bob)
    with psycopg.connect(worker.environment["DATABASE_URL"]) as held_up:
        held_up.execute("LOCK TABLE notifications IN ACCESS EXCLUSIVE MODE")
        result = worker.give(GENERATE, str(report.pk))
        eventually(lambda: result.state == "STARTED", within=30)
        active = worker.client.control.inspect(timeout=10, limit=1).active() or {}
        [doomed] = {job["worker_pid"] for jobs in active.values() for job in jobs}
        os.kill(doomed, signal.SIGKILL)
        eventually(lambda: not is_running(doomed))
    assert outcome(result) == "success"
    assert File.objects.count() == Notification.objects.count() == 1


def test_a_worker_outlives_redis(open_directory: Path, tmp_path: Path, database_url: str, bob: User) -> None:
    report = ordered(bob)
    with EmbeddedRedis() as server:
        url = server.start(open_directory, 0)
        with worker_running(tmp_path, cache_url=url, database=database_of_tests(database_url), control="") as worker:
            server.stop()
            eventually(lambda: "Connection to broker lost" in worker.log.read_text(), within=60)
            assert server.start(open_directory, urlsplit(url).port) == url
            eventually(lambda: worker.cache.exists(CELERY_ALIVE_KEY), within=60)
            assert worker.done(GENERATE, str(report.pk)) == "success"


def test_an_order_that_was_given_twice_is_done_once(worker: Worker, bob: User) -> None:
    report = ordered(bob)
    results = [worker.give(GENERATE, str(report.pk)) for _ in range(3)]
    assert sorted(outcome(result) for result in results) == ["done already", "done already", "success"]
    assert File.objects.count() == Notification.objects.count() == 1


def test_a_message_that_is_not_json_is_not_even_looked_at(worker: Worker, db: None) -> None:
    pickled = worker.give(GENERATE, NOBODY, serializer="pickle")
    eventually(lambda: "Refusing to deserialize" in worker.log.read_text(), within=30)
    assert pickled.state == "PENDING"


def test_a_worker_says_that_it_lives_and_soon_does_not_when_it_stops(worker: Worker, db: None) -> None:
    worker.cache.delete(CELERY_ALIVE_KEY)
    eventually(lambda: worker.cache.exists(CELERY_ALIVE_KEY), within=30)
    assert 0 < worker.cache.ttl(CELERY_ALIVE_KEY) <= ALIVE_SECONDS  # type: ignore[operator]


@pytest.mark.parametrize("lives", [True, False])
def test_a_report_is_made_here_where_nobody_else_would_make_it(
    ask: Ask, bob: User, settings: Any, worker: Worker, lives: bool
) -> None:
    # The worker says that it lives, or none does; and this process cannot reach the queue.
    settings.REDIS_URL = worker.cache_url if lives else urlunsplit(urlsplit(worker.cache_url)._replace(path="/7"))
    row = told(ask("post", "reports", by=bob, body={"type": "attendance"}))
    threads().submit(lambda: None).result(timeout=30)
    assert Report.objects.get(pk=row["id"]).status == "completed"


def test_the_schedule_is_the_plans(settings: Any) -> None:
    schedule = settings.CELERY_BEAT_SCHEDULE
    assert {name: entry["task"] for name, entry in schedule.items()} == {
        "cleanup-old-sessions": "apps.authentication.tasks.cleanup_sessions",
        "generate-daily-reports": "apps.reports.tasks.generate_daily_reports",
        "sync-attendance": "apps.attendance.tasks.sync_attendance",
        "resume-reports": "apps.reports.tasks.resume_reports",
    }
    at = {name: (min(entry["schedule"].hour), entry["schedule"].minute) for name, entry in schedule.items()}
    assert at["cleanup-old-sessions"] == (2, {0}) and at["generate-daily-reports"] == (6, {0})
    assert at["sync-attendance"] == (0, {0, 15, 30, 45})


def test_the_worker_works_as_the_plan_says(worker: Worker) -> None:
    [found] = (worker.client.control.inspect(timeout=10, limit=1).conf(with_defaults=True) or {}).values()
    assert (found["accept_content"], found["timezone"]) == (["json"], "UTC")
    assert (found["task_serializer"], found["result_serializer"]) == ("json", "json")
    assert (found["task_track_started"], found["task_time_limit"]) == (True, 1800)
    assert (found["worker_max_tasks_per_child"], found["worker_prefetch_multiplier"]) == (1000, 4)
    assert found["worker_concurrency"] == 2


def test_who_is_active_is_what_the_control_row_says() -> None:
    assert judged((3, "django", False), "django") == Reading(Standing.ACTIVE, 3)
    assert judged((3, "node", False), "django") == Reading(Standing.STANDBY, 3)
    assert judged((3, "django", True), "django") == Reading(Standing.FENCED, 3)
    assert judged(None, "django") == Reading(Standing.UNKNOWN)


def test_without_cutover_this_backend_is_active(settings: Any) -> None:
    assert reading() == Reading(Standing.ACTIVE)
    settings.CUTOVER_DATABASE_URL = "postgresql://nobody@127.0.0.1:1/nowhere"
    assert reading() == Reading(Standing.UNKNOWN)


KINDS = st.sampled_from([*TYPES, "nonsense"])
ORDERS = st.lists(st.tuples(KINDS, st.sampled_from(["csv", "pdf", "x"]), st.booleans()), min_size=1, max_size=4)


@pytest.mark.property_test
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=25)
@given(orders=ORDERS)
def test_property_16_tasks(worker: Worker, bob: User, orders: list[tuple[str, str, bool]]) -> None:
    """Feature: django-backend-activation, Property 16: Tasks"""
    given_out = []
    for type, form, there in orders:
        report = ordered(bob, type=type, params={"format": form})
        given_out.append((report, type, there, worker.give(GENERATE, str(report.pk) if there else NOBODY)))
    for report, type, there, result in given_out:
        eventually(result.ready, within=30)
        good = there and type in TYPES
        kept = json.loads(worker.cache.get(f"celery-task-meta-{result.id}") or b"")  # type: ignore[arg-type]
        assert kept["status"] == result.state == ("SUCCESS" if good else "FAILURE")
        report.refresh_from_db()
        assert report.status == ("completed" if good else "failed" if there else "pending")
