"""Side effects happen once: an original has them, its copies have none, and there is no way around the one way out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks
from structlog.testing import capture_logs

from apps.activities.models import Activity
from apps.attendance.models import ExcuseLetter, TrainingDay
from apps.authentication.models import User
from apps.grading.models import GradeCategory
from common.copies.current import Copy as Copied
from common.copies.current import Kind, serving
from common.copies.effects import after_commit
from tests.django_backend.people import Ask, Copy, Frames, cadet, copy_headers, form, picture, told

BACKEND = Path(__file__).parents[2] / "django_backend"
# What reaches beyond the database, and the only files that may. Each of them asks whether it serves a copy, but for
# those that only ask how somebody is, or read.
WAYS_OUT = {
    "on_commit": {"common/copies/effects.py"},
    "after_commit": {"common/realtime.py", "common/jobs/queue.py"},
    "publish": {"apps/files/services.py", "common/realtime.py", "common/relay.py", "apps/messaging/services.py"},
    "tell": {"common/realtime.py"},
    "write_bytes": {"common/uploads.py"},
    "write_text": set(),
    "cloud_keep": {"common/uploads.py"},
    # What a worker made of a file that an original left.
    "upload_replace": {"apps/files/services.py"},
    "capture_exception": {"common/faults.py"},
    "unlink": set(),
    "submit": {"common/probes.py", "common/jobs/queue.py"},
    "from_url": {"common/health.py", "common/relay.py", "common/jobs/signs.py"},
    "delay": set(),
    # A job that waits for its backend to become active is handed over again by itself.
    "apply_async": {"common/jobs/queue.py", "common/jobs/job.py"},
    # Who is typing is said by a socket, and no copy is one.
    "group_send": {"apps/messaging/consumers.py"},
    "send_mail": {"apps/messaging/mail.py"},
    "urlopen": set(),
    "Popen": set(),
}
OUTSIDE_MODULES = {
    "smtplib",
    "requests",
    "httpx",
    "aiohttp",
    "urllib.request",
    "http.client",
    "subprocess",
    "threading",
    "cloudinary.uploader",
}
MAY_IMPORT = {"threading": {"common/probes.py", "common/outage.py"}, "cloudinary.uploader": {"common/cloud.py"}}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in BACKEND.rglob("*.py"):
        name = path.relative_to(BACKEND).as_posix()
        # What runs beside the requests: commands and migrations.
        if "/management/" not in name and "/migrations/" not in name and name != "manage.py":
            yield name, ast.parse(path.read_text())


def called(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            yield function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_nothing_reaches_beyond_the_database_but_by_the_ways_that_know_copies() -> None:
    found: dict[str, set[str]] = {name: set() for name in WAYS_OUT}
    for name, tree in sources():
        for function in called(tree):
            if function in found:
                found[function].add(name)
        for module in imported(tree):
            assert module not in OUTSIDE_MODULES or name in MAY_IMPORT.get(module, set()), f"{name} imports {module}"
    assert found == WAYS_OUT


def orders(alice: User) -> dict[str, tuple[str, str, Any]]:
    """An operation for each thing that an original does beyond the database."""
    day = TrainingDay.objects.create(date="x", title="y").pk
    activity = Activity.objects.create(title="x").pk
    letter = ExcuseLetter.objects.create(cadet_id=alice.cadet_id, date_absent="2024-08-05").pk
    category = GradeCategory.objects.create(name="x", weight=1).pk
    mark = {"trainingDayId": day, "cadetId": alice.cadet_id, "status": "late"}
    return {
        "activity created": ("post", "activities", {"title": "x"}),
        "activity updated": ("put", f"activities/{activity}", {"title": "y"}),
        "participants added": ("post", f"activities/{activity}/participants", {"cadet_ids": [alice.cadet_id]}),
        "day created": ("post", "attendance/days", {"date": "x", "title": "y"}),
        "day updated": ("put", f"attendance/days/{day}", {"title": "z"}),
        "marked": ("post", "attendance/mark", mark),
        "many marked": ("post", "attendance/mark/bulk", {"trainingDayId": day, "records": [mark]}),
        "scanned": ("post", "attendance/scan", {"trainingDayId": day, "qrData": "2021-00001"}),
        "letter judged": ("put", f"attendance/excuse-letters/{letter}/status", {"status": "rejected"}),
        "graded": ("post", "grading/grades", {"cadetId": alice.cadet_id, "categoryId": category, "score": 1}),
        "said": ("post", "messaging/rooms/a/messages", {"content": "x"}),
        "broadcast": ("post", "messaging/broadcast", {"message": "x"}),
        "report ordered": ("post", "reports", {"type": "grades"}),
        "participant removed": ("delete", f"activities/{activity}/participants/{alice.cadet_id}", None),
        "day deleted": ("delete", f"attendance/days/{day}", None),
        "activity deleted": ("delete", f"activities/{activity}", None),
    }


def test_each_original_has_its_side_effect_and_no_replay_has_any(
    ask: Ask, copy: Copy, carol: User, alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    for what, (method, path, body) in orders(alice).items():
        with django_capture_on_commit_callbacks() as effects:
            answer = ask(method, path, by=carol, body=body)
        assert answer.status_code < 300 and effects, what
    for what, (method, path, body) in orders_again(alice).items():
        with django_capture_on_commit_callbacks() as effects:
            answer = copy("replay", method, path, by=carol, body=body, key=what.replace(" ", "-"))
        assert answer.status_code < 300 and not effects, what


def orders_again(alice: User) -> dict[str, tuple[str, str, Any]]:
    GradeCategory.objects.update(name="another")
    return orders(alice)


def test_what_a_repeated_write_is_answered_has_no_side_effect(
    ask: Ask, carol: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    counts = []
    for _ in range(2):
        with django_capture_on_commit_callbacks() as effects:
            ask("post", "messaging/broadcast", by=carol, body={"message": "x"}, headers={"Idempotency-Key": "k"})
        counts.append(len(effects))
    assert counts == [1, 0]


@pytest.mark.django_db(transaction=True)
def test_the_frames_of_an_original_are_heard_and_those_of_a_replay_are_not(
    ask: Ask, copy: Copy, bob: User, frames: Frames
) -> None:
    row = told(ask("post", "activities", by=bob, body={"title": "x"}, headers={"Idempotency-Key": "original"}))
    data = {"resource": "activities", "action": "created", "id": row["id"]}
    assert frames() == [("updates", {"frame": {"type": "update", "data": data}, "to": None})]
    copy("replay", "post", "activities", by=bob, body={"title": "x"})
    copy("mirror", "post", "activities", by=bob, body={"title": "x"}, key=None)
    assert frames() == []


@pytest.mark.django_db(transaction=True)
def test_a_write_stands_though_nobody_can_be_told(ask: Ask, settings: Any, bob: User) -> None:
    # One that nobody has missed before: it is told once.
    settings.REDIS_URL = "redis://127.0.0.1:1/7"
    with capture_logs() as logs:
        assert ask("post", "activities", by=bob, body={"title": "x"}).status_code == 201
    assert [line["event"] for line in logs] == ["redis is gone"]
    assert Activity.objects.count() == 1


def test_a_side_effect_that_breaks_is_logged_and_none_of_the_requests_business(
    db: None, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with capture_logs() as logs, django_capture_on_commit_callbacks(execute=True):
        after_commit("a thing", lambda: 1 // 0)
    assert [(line["event"], line["effect"]) for line in logs] == [("a side effect failed", "a thing")]


@pytest.mark.parametrize(
    ("path", "field", "fields"),
    [
        ("activities", "images", {"title": "x"}),
        ("files/upload", "file", {}),
        ("attendance/excuse-letters", "file", {"cadetId": "1", "dateAbsent": "2024-08-05"}),
    ],
)
def test_no_replay_keeps_bytes(
    ask: Ask, copy: Copy, bob: User, uploads: Path, path: str, field: str, fields: dict[str, str]
) -> None:
    fields = {**fields, **({"cadetId": str(cadet("1").pk)} if "cadetId" in fields else {})}
    raw = form({**fields, field: picture()})["data"]
    headers = copy_headers("replay", "post", f"/api/v1/{path}", raw, "k")
    answer = ask("post", path, by=bob, headers=headers, data={**fields, field: picture()})
    assert answer.status_code == 201 and b"/uploads/" in answer.content and not uploads.exists()
    assert ask("post", path, by=bob, data={**fields, field: picture()}).status_code == 201
    assert len(list(uploads.iterdir())) == 1


@pytest.mark.parametrize("kind", Kind)
def test_the_way_out_is_closed_for_every_kind_of_copy(
    db: None, kind: Kind, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    done: list[str] = []
    with django_capture_on_commit_callbacks(execute=True):
        with serving(Copied(kind)):
            after_commit("copy", lambda: done.append("copy"))
        after_commit("original", lambda: done.append("original"))
    assert done == ["original"]
