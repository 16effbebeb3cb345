"""Tokens that both backends issue and accept, so that a flip or a rollback logs nobody out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import jwt
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from jwt.types import Options

from common.exceptions import TokenRefused

ALGORITHM = "HS256"
LIFETIME = timedelta(days=7)
# The legacy backend's library looks at the times `exp` and `nbf` and at nothing else; what it accepts is accepted here.
CHECKS: Options = {
    "verify_aud": False,
    "verify_iss": False,
    "verify_iat": False,
    "verify_sub": False,
    "verify_jti": False,
}


def token_issue(*, user_id: int, role: str, cadet_id: int | None, staff_id: int | None, now: datetime) -> str:
    """A token good for seven days from `now`. It says `id` for Node and `user_id` beside it."""
    claims = {
        "id": user_id,
        "role": role,
        "cadetId": cadet_id,
        "staffId": staff_id,
        "user_id": user_id,
        "iat": now,
        "exp": now + LIFETIME,
    }
    return jwt.encode(claims, _secret(), algorithm=ALGORITHM)


def token_user_id(token: str) -> int:
    """The user that `token` speaks for; `TokenRefused` if it is damaged, expired or not signed by one of us."""
    try:
        claims: dict[str, Any] = jwt.decode(token, _secret(), algorithms=[ALGORITHM], options=CHECKS)
    except (jwt.InvalidTokenError, ValueError) as mistake:
        raise TokenRefused from mistake
    user_id = claims.get("id", claims.get("user_id"))
    # A boolean is an integer in Python, and would be user 1.
    if not isinstance(user_id, int) or isinstance(user_id, bool):
        raise TokenRefused
    return user_id


def _secret() -> str:
    # Whoever serves does not start without it; a token that is signed with nothing would let anybody in.
    secret: str = settings.JWT_SECRET
    if not secret:
        raise ImproperlyConfigured("Set the JWT_SECRET environment variable")
    return secret
