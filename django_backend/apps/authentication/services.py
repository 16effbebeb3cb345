"""Changes users and their preferences."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction

from apps.authentication.models import User, UserSetting
from apps.authentication.selectors import PREFERENCES
from common.exceptions import ApplicationError
from common.tokens import token_issue

SHORTEST_PASSWORD = 6
HALF_PAIR = re.compile("[\ud800-\udfff]")


def user_token(*, user: User, now: datetime) -> str:
    """A token for `user`, good from `now`. Nothing is written."""
    return token_issue(user_id=user.pk, role=user.role, cadet_id=user.cadet_id, staff_id=user.staff_id, now=now)


@transaction.atomic
def user_change_password(*, user: User, current: Any, new: Any) -> None:
    """Give `user` the password `new`, if `current` is the one until now. Both are what the client sent, of any type."""
    if not isinstance(current, str) or not user.check_password(current):
        raise ApplicationError("Current password is incorrect")
    if not isinstance(new, str) or javascript_length(new) < SHORTEST_PASSWORD:
        raise ApplicationError(f"Password must be at least {SHORTEST_PASSWORD} characters")
    if HALF_PAIR.search(new):
        # After a rollback the legacy backend would hash it at login, and bcryptjs takes the process down with it.
        raise ApplicationError("Password must be valid text")
    User.objects.filter(pk=user.pk).update(password=make_password(new))


@transaction.atomic
def user_preferences_save(*, user: User, changes: dict[str, Any]) -> None:
    """Save `changes`, by their names in the API; what was never saved gets its default. No changes still make a row."""
    columns = {PREFERENCES[name][0]: value for name, value in changes.items()}
    row = UserSetting(user=user, **columns)
    if columns:
        UserSetting.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["user"], update_fields=list(columns)
        )
    else:
        UserSetting.objects.bulk_create([row], ignore_conflicts=True)


@transaction.atomic
def user_seen(*, user: User, now: datetime) -> None:
    """Note that `user` was here at `now`."""
    User.objects.filter(pk=user.pk).update(last_seen=now)


def javascript_length(text: str) -> int:
    """The length of `text` as JavaScript counts it, where an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
