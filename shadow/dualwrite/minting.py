"""Tokens for replays: a short-lived one for the recorded actor, with the key of the side that is asked."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

import orjson

from shadow.sender import Target

LIVES = 60
_DATES = frozenset({"iat", "exp", "nbf", "jti"})


class Hs256Minter:
    """Signs the recorded claims anew (JWT, HS256): the active side verified them when it took the write."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._secrets = dict(secrets)

    def mint(self, actor: object, target: Target, now: float) -> str | None:
        """`Bearer …`, or None without an actor. Raises KeyError for a backend without a secret."""
        if not isinstance(actor, Mapping):
            return None
        claims = {name: value for name, value in actor.items() if name not in _DATES}
        claims |= {"iat": int(now), "exp": int(now) + LIVES}
        signed = _part({"alg": "HS256", "typ": "JWT"}) + b"." + _part(claims)
        code = hmac.new(self._secrets[target.name], signed, hashlib.sha256).digest()
        return f"Bearer {(signed + b'.' + _base64(code)).decode()}"


def _part(value: object) -> bytes:
    return _base64(orjson.dumps(value))


def _base64(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")
