"""Keys: the same write may come twice, at once or later, and happens once; what nobody did can be refused for ever."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from urllib.parse import quote

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from apps.activities.models import Activity
from apps.authentication.models import User
from apps.authentication.services import user_token
from apps.messaging.models import Message
from apps.staff.models import Staff
from common.copies.models import RecordedAnswer
from tests.django_backend.people import PASSWORD, Ask, Copy, cadet, picture, refusal, told
from tests.django_backend.serving import Start

NEW = {"title": "Run"}
KEY = {"Idempotency-Key": "k"}


def database_url() -> str:
    """The address of the database of this test, for another process."""
    found = connection.settings_dict
    account = f"{found['USER']}:{quote(found['PASSWORD'], safe='')}"
    return f"postgresql://{account}@{found['HOST']}:{found['PORT']}/{found['NAME']}"


@contextmanager
def in_progress(key: str) -> Iterator[None]:
    """Somebody else is in the middle of the write with this key."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [number])
        yield


def test_the_same_write_is_done_once_and_answered_alike(ask: Ask, bob: User) -> None:
    first, second = (ask("post", "activities", by=bob, body=NEW, headers=KEY) for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert "Idempotency-Replayed" not in first and second["Idempotency-Replayed"] == "true"
    assert second["Content-Type"] == first["Content-Type"] and Activity.objects.count() == 1


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_every_method_that_writes_has_its_answer_kept(ask: Ask, carol: User, method: str) -> None:
    path = f"cadets/{cadet('1').pk}"
    answers = [ask(method, path, by=carol, body={}, headers=KEY) for _ in range(2)]
    assert answers[0].content == answers[1].content and answers[1]["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("other", ["body", "path", "method", "user"])
def test_a_key_is_for_one_write_of_one_user(ask: Ask, bob: User, carol: User, other: str) -> None:
    made = Activity.objects.create(title="x")
    assert ask("put", f"activities/{made.pk}", by=bob, body=NEW, headers=KEY).status_code == 200
    answer = ask(
        "delete" if other == "method" else "put",
        "activities/999" if other == "path" else f"activities/{made.pk}",
        by=carol if other == "user" else bob,
        body={"title": "Walk"} if other == "body" else NEW,
        headers=KEY,
    )
    assert refusal(answer) == (422, "This key was used for another request")
    assert Activity.objects.get().title == "Run"


def test_a_refusal_is_not_kept_because_the_same_write_may_be_good_later(ask: Ask, carol: User) -> None:
    taken = Staff.objects.create(first_name="a", last_name="b", email="x@y")
    body = {"first_name": "a", "last_name": "b", "email": "x@y"}
    assert ask("post", "staff", by=carol, body=body, headers=KEY).status_code == 409
    taken.delete()
    answer = ask("post", "staff", by=carol, body=body, headers=KEY)
    assert answer.status_code == 201 and "Idempotency-Replayed" not in answer


def test_reads_and_strangers_leave_nothing_behind(ask: Ask, alice: User) -> None:
    credentials = {"username": "alice", "password": PASSWORD}
    for _ in range(2):
        assert "Idempotency-Replayed" not in ask("get", "auth/me", by=alice, headers=KEY)
        assert "Idempotency-Replayed" not in ask("post", "auth/login", body=credentials, headers=KEY)
        stranger = ask("post", "activities", body=NEW, headers={**KEY, "Authorization": "Bearer nonsense"})
        assert stranger.status_code == 403
    assert not RecordedAnswer.objects.exists()


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256])
def test_a_key_that_cannot_be_one_is_refused(ask: Ask, bob: User, key: str) -> None:
    answer = ask("post", "activities", by=bob, body=NEW, headers={"Idempotency-Key": key})
    assert answer.status_code == (201 if not key else 400)


def test_an_upload_that_comes_twice_is_kept_once(ask: Ask, bob: User, uploads: Path) -> None:
    rows = [told(ask("post", "files/upload", by=bob, data={"file": picture()}, headers=KEY)) for _ in range(2)]
    assert rows[0] == rows[1] and len(list(uploads.iterdir())) == 1


@pytest.mark.django_db(transaction=True)
def test_a_write_that_fails_at_its_commit_leaves_neither_effect_nor_answer(ask: Ask, bob: User) -> None:
    body = {"content": "x", "recipientId": 999999}
    for _ in range(2):
        answer = ask("post", "messaging/rooms/a/messages", by=bob, body=body, headers=KEY)
        assert refusal(answer)[0] == 400
    assert not RecordedAnswer.objects.exists() and not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_write_that_is_in_progress_is_a_conflict(ask: Ask, copy: Copy, bob: User) -> None:
    with in_progress("k"):
        for answer in (
            ask("post", "activities", by=bob, body=NEW, headers=KEY),
            copy("resolve", "post", "activities"),
        ):
            assert refusal(answer) == (409, "A request with this key is in progress")
        assert ask("post", "activities", by=bob, body=NEW, headers={"Idempotency-Key": "l"}).status_code == 201
    assert ask("post", "activities", by=bob, body=NEW, headers=KEY).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_done(ask: Ask, bob: User) -> None:
    ready = Barrier(8)

    def send(_: int) -> int:
        ready.wait(10)
        try:
            return ask("post", "activities", by=bob, body=NEW, headers=KEY).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        statuses = Counter(threads.map(send, range(8)))
    assert set(statuses) <= {201, 409} and statuses[201] >= 1
    assert Activity.objects.count() == RecordedAnswer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_to_two_processes_one_is_done(start: Start, bob: User) -> None:
    server = start(DATABASE_URL=database_url(), GUNICORN_WORKERS="2", GUNICORN_THREADS="4")
    token = user_token(user=bob, now=timezone.now())
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def send(number: int) -> tuple[str, int]:
        key = f"key-{number % 5}"
        other = http.client.HTTPConnection(server.host, server.port, timeout=20)
        other.request("POST", "/api/v1/activities", json.dumps({"title": key}), {**headers, "Idempotency-Key": key})
        status = other.getresponse().status
        other.close()
        return key, status

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(40)))
    assert {status for _, status in answers} <= {201, 409}
    assert {key for key, status in answers if status == 201} == {f"key-{number}" for number in range(5)}
    assert sorted(Activity.objects.values_list("title", flat=True)) == [f"key-{number}" for number in range(5)]


def test_what_became_of_a_write_can_be_asked(ask: Ask, copy: Copy, bob: User) -> None:
    original = ask("post", "activities", by=bob, body=NEW, headers=KEY)
    resolved = copy("resolve", "post", "activities")
    assert (resolved.status_code, resolved.content) == (201, original.content)
    assert resolved["Idempotency-Replayed"] == "true" and Activity.objects.count() == 1
    assert refusal(copy("resolve", "post", "staff")) == (422, "This key was used for another request")


def test_a_write_that_nobody_did_is_refused_for_ever_once_somebody_asked(ask: Ask, copy: Copy, bob: User) -> None:
    gone = (410, "This request was not done, and will not be")
    made = Activity.objects.create(title="x")
    for _ in range(2):
        assert refusal(copy("resolve", "delete", f"activities/{made.pk}")) == gone
    assert refusal(ask("delete", f"activities/{made.pk}", by=bob, headers=KEY)) == gone
    assert refusal(copy("replay", "delete", f"activities/{made.pk}", by=bob)) == gone
    assert Activity.objects.exists()
    RecordedAnswer.objects.update(recorded_at=timezone.now() - timedelta(days=1000))
    call_command("forget_answers", verbosity=0)
    assert refusal(ask("delete", f"activities/{made.pk}", by=bob, headers=KEY)) == gone


def test_answers_are_forgotten_when_they_are_old(ask: Ask, bob: User, capsys: pytest.CaptureFixture[str]) -> None:
    for key, age in [("old", 15), ("new", 13)]:
        ask("post", "activities", by=bob, body=NEW, headers={"Idempotency-Key": key})
        RecordedAnswer.objects.filter(pk=key).update(recorded_at=timezone.now() - timedelta(days=age))
    call_command("forget_answers")
    assert capsys.readouterr().out == "1 forgotten\n"
    assert list(RecordedAnswer.objects.values_list("key", flat=True)) == ["new"]
    assert str(RecordedAnswer.objects.get()) == "201 to POST /api/v1/activities"
