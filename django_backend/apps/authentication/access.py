"""The only door to a user by the name that somebody gave at login."""

from __future__ import annotations

from apps.authentication.models import User
from apps.authentication.selectors import user_by_login
from common.exceptions import AccessDenied, LoginRefused


def access_user_by_credentials(name: str, password: str) -> User:
    """The user who may log in with these; `LoginRefused` or `AccessDenied` says why there is none.

    The password is judged first: who does not know it learns nothing about the account.
    """
    user = user_by_login(name)
    if user is None:
        # The same work as for a wrong password, so that the time does not tell which names exist.
        User().set_password(password)
        raise LoginRefused
    if not user.check_password(password):
        raise LoginRefused
    # NULL is active, as in the legacy backend; only 1 is approved.
    if user.is_active is False:
        raise AccessDenied("Account is deactivated")
    if user.is_approved != 1:
        raise AccessDenied("Account is pending approval")
    return user
