"""Messages, notifications and subscriptions: who sees what, and what the open pages hear of it."""

from __future__ import annotations

import json
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.authentication.models import User
from apps.messaging.models import Message, Notification, PushSubscription
from tests.django_backend.people import Ask, Frames, refusal, told

ROOM = "messaging/rooms/general/messages"


def contents(answer: Any) -> list[str]:
    return [row["content"] for row in told(answer)["data"]]


def test_what_is_said_is_stored_and_heard_in_the_room(
    ask: Ask, alice: User, frames: Frames, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = ask("post", ROOM, by=alice, body={"content": "hello", "subject": 5, "room": "other", "sender_id": 9})
    row = told(answer)
    assert answer.status_code == 201
    assert (row["room"], row["sender_id"], row["subject"], row["is_read"]) == ("general", alice.pk, "5", False)
    assert frames() == [("chat:general", {"frame": {"type": "message", "data": row}, "to": None})]


def test_what_is_said_to_one_is_heard_by_two(
    ask: Ask,
    alice: User,
    bob: User,
    charlie: User,
    frames: Frames,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        ask("post", ROOM, by=alice, body={"content": "psst", "recipientId": bob.pk})
    assert frames()[0][1]["to"] == sorted([alice.pk, bob.pk])
    assert contents(ask("get", ROOM, by=alice)) == contents(ask("get", ROOM, by=bob)) == ["psst"]
    assert contents(ask("get", ROOM, by=charlie)) == []


@pytest.mark.parametrize("room", ["General", "%E2%82%AC%20b", "a%2Fb", "a%0Ab", "messages"])
def test_a_room_is_any_text_and_its_letter_case_counts(ask: Ask, alice: User, room: str) -> None:
    path = f"messaging/rooms/{room}/messages"
    assert ask("post", path, by=alice, body={"content": "x"}).status_code == 201
    assert contents(ask("get", path, by=alice)) == ["x"] and contents(ask("get", ROOM, by=alice)) == []


def test_messages_are_newest_first_and_without_a_time_before_all(ask: Ask, alice: User) -> None:
    for content, when in [("a", "2024-01-01T00:00:00Z"), ("b", None), ("c", "2024-01-01T00:00:00Z")]:
        Message.objects.create(room="general", content=content, created_at=when)
    assert contents(ask("get", ROOM, by=alice)) == ["b", "c", "a"]


@pytest.mark.parametrize("body", [{}, {"content": ""}, {"content": None}])
def test_a_message_needs_content(ask: Ask, alice: User, body: dict[str, Any]) -> None:
    assert refusal(ask("post", ROOM, by=alice, body=body)) == (400, "Content is required")


def test_a_broadcast_reaches_everybody(
    ask: Ask,
    carol: User,
    alice: User,
    frames: Frames,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = ask("post", "messaging/broadcast", by=carol, body={"message": "all hands", "type": ""})
    row = told(answer)
    assert (answer.status_code, row["user_id"]) == (201, None)
    assert (row["type"], row["priority"], row["is_read"]) == ("system", "normal", False)
    event = str(uuid5(NAMESPACE_URL, f"notifications/{row['id']}"))
    shown = {"id": event, "message": "all hands", "timestamp": row["created_at"], "priority": "normal"}
    assert frames() == [("notifications", {"frame": {"type": "notification", "data": shown}, "to": None})]
    assert told(ask("get", "messaging/notifications", by=alice))["data"] == [row]
    assert refusal(ask("post", "messaging/broadcast", by=carol, body={})) == (400, "Message is required")
    assert refusal(ask("post", "messaging/broadcast", by=alice, body={"message": "x"})) == (403, "Access denied")
    for no_text in ({"message": []}, {"message": "x", "type": {}}, {"message": "x", "priority": []}):
        assert refusal(ask("post", "messaging/broadcast", by=carol, body=no_text)) == (400, "Invalid input")


def test_users_see_their_own_notifications_and_broadcasts(ask: Ask, alice: User, charlie: User) -> None:
    for user, message, read, day in [(alice, "a", None, 1), (charlie, "b", False, 2), (None, "c", True, 3)]:
        Notification.objects.create(
            user=user, type="t", message=message, is_read=read, created_at=f"2024-01-0{day}T00:00:00Z"
        )

    def seen(query: str) -> list[str]:
        return [row["message"] for row in told(ask("get", f"messaging/notifications{query}", by=alice))["data"]]

    assert seen("") == seen("?unread=1") == ["c", "a"] and seen("?unread=true") == ["a"]


def test_own_notifications_are_read_one_by_one_or_at_once(ask: Ask, alice: User, charlie: User) -> None:
    own = [Notification.objects.create(user=alice, type="t", message="m", is_read=None) for _ in range(3)]
    theirs = Notification.objects.create(user=charlie, type="t", message="m")
    for_all = Notification.objects.create(type="t", message="m")
    read = "messaging/notifications/{}/read"
    for row in (own[0], for_all):
        answer = ask("put", read.format(row.pk), by=alice, body={})
        assert told(answer) == {"message": "Notification marked as read"}
    for number in (theirs.pk, 999999):
        assert refusal(ask("put", read.format(number), by=alice)) == (404, "Notification not found")
    assert refusal(ask("put", read.format("x"), by=alice))[0] == 400
    unread = Notification.objects.create(type="t", message="m")
    for expected in (2, 0):
        assert told(ask("put", "messaging/notifications/read-all", by=alice, body={})) == {"updated": expected}
    assert set(Notification.objects.exclude(is_read=True)) == {theirs, unread}


def test_who_may_delete_which_notification(ask: Ask, alice: User, charlie: User, carol: User) -> None:
    own = Notification.objects.create(user=alice, type="t", message="m")
    for_all = Notification.objects.create(type="t", message="m")
    path = "messaging/notifications/{}"
    for by, row in [(alice, for_all), (charlie, own), (carol, own)]:
        assert refusal(ask("delete", path.format(row.pk), by=by)) == (404, "Notification not found")
    for by, row in [(alice, own), (carol, for_all)]:
        assert told(ask("delete", path.format(row.pk), by=by)) == {"message": "Notification deleted"}
    assert not Notification.objects.exists()


def test_a_browser_that_changes_its_user_keeps_its_endpoint(ask: Ask, alice: User, bob: User) -> None:
    for by, keys in [(alice, {"p256dh": "a", "n": 1.0}), (bob, {"p256dh": "é", "n": 1.5})]:
        answer = ask("post", "messaging/push/subscribe", by=by, body={"endpoint": "https://push/1", "keys": keys})
        assert (answer.status_code, told(answer)) == (200, {"message": "Subscribed"})
        row = PushSubscription.objects.get()
        assert row.user_id == by.pk and json.loads(row.keys) == keys
    assert row.keys == '{"p256dh":"é","n":1.5}'
    for _ in range(2):
        answer = ask("post", "messaging/push/unsubscribe", by=alice, body={"endpoint": "https://push/1"})
        assert told(answer) == {"message": "Unsubscribed"}
    assert not PushSubscription.objects.exists()


@pytest.mark.parametrize("body", [{}, {"endpoint": "x"}, {"keys": {}}, {"endpoint": "", "keys": {}}])
def test_a_subscription_needs_an_endpoint_and_keys(ask: Ask, alice: User, body: dict[str, Any]) -> None:
    answer = ask("post", "messaging/push/subscribe", by=alice, body=body)
    assert refusal(answer) == (400, "Endpoint and keys are required")


@pytest.mark.django_db(transaction=True)
def test_a_message_to_nobody_is_refused_and_not_heard(ask: Ask, alice: User, frames: Frames) -> None:
    assert refusal(ask("post", ROOM, by=alice, body={"content": "x", "recipientId": 999999}))[0] == 400
    assert frames() == [] and not Message.objects.exists()
