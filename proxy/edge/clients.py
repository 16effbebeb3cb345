"""Who a client is, and where it stands on the line from 0 to 100 that a weight cuts.

The same key stands at the same point on every edge and after every restart, with no store; so raising a weight only
moves clients one way, and lowering it moves the last ones back (design.md section 3).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from functools import lru_cache
from typing import Any

import orjson

from proxy.config.model import Sticky
from proxy.edge.head import RawFields

_COOKIE_VALUE = re.compile(rb"[!#-+\--:<-\[\]-~]{1,128}")
_SPACE = 2.0**64
_LONGEST = 128  # characters of a key; a longer one is hashed, so that what clients send cannot fill the memory
_CACHED = 4096  # bytes of a token that is worth remembering


@lru_cache(maxsize=65536)
def point(key: str) -> float:
    """Where a client stands: from 0 (included) to 100 (excluded), evenly spread over keys."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, person=b"cutover.client").digest()
    return int.from_bytes(digest) / _SPACE * 100.0


def client_key(fields: RawFields, sticky: Sticky) -> str | None:
    """The client's key: a configured claim, a configured header, the edge's cookie, or a hash of Authorization.

    Keys read `claim:57`, `header:…`, `cookie:…` and `auth:…`, with the name of the claim first (`id:57`), so that a
    person can write one down to pin it. None: the client cannot be told from others.
    """
    authorization = cookie = header = None
    wanted = sticky.header.lower().encode() if sticky.header else None
    for name, value in fields:
        lower = name.lower()
        if lower == b"authorization" and authorization is None:
            authorization = value
        elif lower == b"cookie":
            cookie = value if cookie is None else cookie + b"; " + value
        if lower == wanted and header is None:
            header = value
    if authorization and sticky.claim and (claim := _claim(authorization, sticky.claim)) is not None:
        return f"{sticky.claim}:{_bounded(claim)}"
    if header:
        return f"header:{_bounded(header.decode('latin-1'))}"
    if cookie and (issued := _cookie(cookie, sticky.cookie)) is not None:
        return f"cookie:{issued}"
    return "auth:" + hashlib.blake2b(authorization, digest_size=12).hexdigest() if authorization else None


def new_cookie() -> str:
    """A value for the edge's cookie; its client's key is `cookie:<value>`."""
    return secrets.token_urlsafe(12)


def _claim(authorization: bytes, name: str) -> str | None:
    return (_claim_remembered if len(authorization) <= _CACHED else _claim_read)(authorization, name)


def claims_of(authorization: bytes) -> dict[str, Any] | None:
    """The claims of a JSON Web Token; None where there is none. Not verified: they decide who answers and in which
    order, never what is allowed."""
    scheme, _, token = authorization.partition(b" ")
    parts = token.strip().split(b".")
    if scheme.lower() != b"bearer" or len(parts) != 3:
        return None
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
    except (binascii.Error, orjson.JSONDecodeError):
        return None
    return claims if isinstance(claims, dict) and _is_plain(claims) else None


def _is_plain(claims: dict[str, Any]) -> bool:
    """Whether the claims can be written down again: more can be read, by nesting."""
    try:
        orjson.dumps(claims)
    except orjson.JSONEncodeError:
        return False
    return True


def _claim_read(authorization: bytes, name: str) -> str | None:
    value = (claims_of(authorization) or {}).get(name)
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else None


_claim_remembered = lru_cache(maxsize=4096)(_claim_read)


def _bounded(key: str) -> str:
    if len(key) <= _LONGEST:
        return key
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()


def _cookie(header: bytes, name: str) -> str | None:
    wanted = name.encode()
    for pair in header.split(b";"):
        key, _, value = pair.strip().partition(b"=")
        if key == wanted and _COOKIE_VALUE.fullmatch(value):
            return value.decode("ascii")
    return None
