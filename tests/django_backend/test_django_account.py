"""What users do with their own account: look at it, change the password, save preferences, be seen."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from apps.authentication.models import User, UserSetting
from apps.authentication.services import javascript_length
from tests.django_backend.people import PASSWORD, Ask, refusal, told

DEFAULTS = {
    "emailAlerts": True,
    "pushNotifications": True,
    "activityUpdates": True,
    "darkMode": False,
    "compactMode": False,
    "primaryColor": "blue",
}


def test_users_see_themselves_without_the_password(ask: Ask, alice: User) -> None:
    profile = told(ask("get", "auth/me", by=alice))
    assert list(profile) == [
        *("id", "username", "email", "role", "first_name", "last_name", "is_active", "is_staff", "is_approved"),
        *("cadet_id", "staff_id", "profile_pic", "created_at", "updated_at"),
    ]
    assert profile["is_approved"] == 1 and profile["is_approved"] is not True
    assert profile["created_at"].endswith("Z")


def test_a_logout_says_so_and_the_token_stays_good(ask: Ask, alice: User) -> None:
    assert told(ask("post", "auth/logout", by=alice)) == {"message": "Logged out"}
    assert ask("get", "auth/me", by=alice).status_code == 200


def test_a_new_password_replaces_the_old_one(ask: Ask, alice: User) -> None:
    answer = ask("put", "auth/password", by=alice, body={"currentPassword": PASSWORD, "newPassword": "new one"})
    assert told(answer) == {"message": "Password updated"}
    assert User.objects.get(pk=alice.pk).password.startswith("bcrypt$$2b$10$")
    assert ask("post", "auth/login", body={"username": "alice", "password": "new one"}).status_code == 200
    assert ask("post", "auth/login", body={"username": "alice", "password": PASSWORD}).status_code == 401


@pytest.mark.parametrize(
    ("current", "new", "message"),
    [
        ("wrong", "long enough", "Current password is incorrect"),
        ("wrong", "short", "Current password is incorrect"),
        (None, "long enough", "Current password is incorrect"),
        (7, "long enough", "Current password is incorrect"),
        (PASSWORD, "short", "Password must be at least 6 characters"),
        (PASSWORD, None, "Password must be at least 6 characters"),
        (PASSWORD, 1234567, "Password must be at least 6 characters"),
        (PASSWORD, "😀😀", "Password must be at least 6 characters"),
        (PASSWORD, "half a \ud83d pair", "Password must be valid text"),
    ],
)
def test_a_password_is_not_changed_without_a_good_reason(
    ask: Ask, alice: User, current: Any, new: Any, message: str
) -> None:
    answer = ask("put", "auth/password", by=alice, body={"currentPassword": current, "newPassword": new})
    assert refusal(answer) == (400, message)
    assert User.objects.get(pk=alice.pk).check_password(PASSWORD)


def test_the_length_of_a_password_is_counted_as_javascript_does() -> None:
    assert [javascript_length(text) for text in ("abc", "é", "😀", "\ud83d", "")] == [3, 1, 2, 1, 0]


def test_who_never_saved_preferences_has_the_defaults_and_no_row(ask: Ask, alice: User) -> None:
    assert told(ask("get", "auth/settings", by=alice)) == DEFAULTS
    assert not UserSetting.objects.exists()


def test_saved_preferences_stay_and_the_others_keep_their_values(ask: Ask, alice: User) -> None:
    assert told(ask("put", "auth/settings", by=alice, body={"darkMode": True})) == {**DEFAULTS, "darkMode": True}
    answer = ask("put", "auth/settings", by=alice, body={"primaryColor": "red", "emailAlerts": "no", "junk": 1})
    expected = {**DEFAULTS, "darkMode": True, "primaryColor": "red", "emailAlerts": False}
    assert told(answer) == told(ask("get", "auth/settings", by=alice)) == expected


def test_saving_no_preferences_makes_a_row_of_defaults_and_changes_none(ask: Ask, alice: User) -> None:
    assert told(ask("put", "auth/settings", by=alice, body={})) == DEFAULTS
    assert UserSetting.objects.count() == 1
    ask("put", "auth/settings", by=alice, body={"darkMode": True})
    assert told(ask("put", "auth/settings", by=alice, body={})) == {**DEFAULTS, "darkMode": True}


def test_preferences_of_one_user_are_not_those_of_another(ask: Ask, alice: User, charlie: User) -> None:
    ask("put", "auth/settings", by=alice, body={"darkMode": True})
    assert told(ask("get", "auth/settings", by=charlie)) == DEFAULTS


def test_a_preference_of_the_wrong_kind_is_refused_by_name(ask: Ask, alice: User) -> None:
    answer = ask("put", "auth/settings", by=alice, body={"darkMode": "maybe", "primaryColor": [], "emailAlerts": 7})
    assert refusal(answer) == (400, "Invalid input")
    assert set(told(answer)["details"]) == {"darkMode", "primaryColor", "emailAlerts"}
    assert not UserSetting.objects.exists()


def test_a_heartbeat_is_noted(ask: Ask, alice: User) -> None:
    before = timezone.now()
    assert told(ask("post", "auth/heartbeat", by=alice)) == {"ok": True}
    seen = User.objects.get(pk=alice.pk).last_seen
    assert seen is not None and seen >= before
