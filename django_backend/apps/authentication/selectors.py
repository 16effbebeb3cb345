"""Reads users and their preferences."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from apps.authentication.models import User, UserSetting

# How one may call oneself at login, in the order in which they are tried; each has an index.
LOGIN_NAMES = ("username", "email", "cadet__student_id")
PROFILE = (
    "id",
    "username",
    "email",
    "role",
    "first_name",
    "last_name",
    "is_active",
    "is_staff",
    "is_approved",
    "cadet_id",
    "staff_id",
    "profile_pic",
    "created_at",
    "updated_at",
)
# Name in the API, column, and what a user has who never saved anything.
PREFERENCES: dict[str, tuple[str, bool | str]] = {
    "emailAlerts": ("email_alerts", True),
    "pushNotifications": ("push_notifications", True),
    "activityUpdates": ("activity_updates", True),
    "darkMode": ("dark_mode", False),
    "compactMode": ("compact_mode", False),
    "primaryColor": ("primary_color", "blue"),
}


def user_by_login(name: str) -> User | None:
    """The user whom `name` means: a username, else an e-mail address, else a student id. Letter case counts."""
    for column in LOGIN_NAMES:
        user = User.objects.filter(Q((column, name))).order_by("id").first()
        if user is not None:
            return user
    return None


def user_profile(user: User) -> dict[str, Any]:
    """What users may know of themselves. Neither the password nor when they were last seen."""
    return {column: getattr(user, column) for column in PROFILE}


def user_preferences(user: User) -> dict[str, Any]:
    """The preferences of `user`, by their names in the API; the defaults if nothing was saved yet."""
    row = UserSetting.objects.filter(user=user).first()
    return {name: getattr(row, column) if row else preset for name, (column, preset) in PREFERENCES.items()}
