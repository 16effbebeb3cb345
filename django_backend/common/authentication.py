"""Finds out who is asking, from the token in the `Authorization` header."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from common.exceptions import TokenMissing, TokenRefused
from common.tokens import token_user_id


class JwtAuthentication(BaseAuthentication):
    """Lets in whoever brings a good token of a user who exists and is active; refuses everybody else by raising."""

    def authenticate(self, request: Request) -> tuple[Any, str]:
        token = bearer_token(request.headers.get("Authorization", ""))
        if token is None:
            raise TokenMissing
        return active_user(token_user_id(token)), token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def who_asks(request: HttpRequest) -> str | None:
    """Whom the token of a request speaks for, if it is a good one; the database is not asked."""
    token = bearer_token(request.headers.get("Authorization", ""))
    try:
        return None if token is None else str(token_user_id(token))
    except TokenRefused:
        # What refuses the request for it comes later, and says so.
        return None


def bearer_token(header: str) -> str | None:
    """What follows the word `Bearer`, in any letter case, at the start of `header`; None if nothing does."""
    scheme, _, credentials = header.strip().partition(" ")
    if scheme.lower() != "bearer":
        return None
    return credentials.strip() or None


def active_user(user_id: int) -> Any:
    """The user with this id; `TokenRefused` if there is none or it was deactivated since it logged in."""
    user = get_user_model()._default_manager.filter(pk=user_id).first()
    # NULL is active: the column came late, and the legacy backend refuses only `false`.
    if user is None or user.is_active is False:
        raise TokenRefused
    return user
