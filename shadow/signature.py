"""The signature of a copy: a backend that cooperates can tell that cutover sent it, unchanged and just now.

`X-Cutover-Signature: t=<unix seconds>,id=<exchange id>,v1=<hex>`, where `v1` is HMAC-SHA256 with the shared secret
over these lines, joined by a line feed: `v1`, the time, the id, the method, the target as sent, and the hex SHA-256 of
the body.
"""

from __future__ import annotations

import hashlib
import hmac
import re

FRESH_FOR = 300
_WRITTEN = re.compile(r"t=([0-9]{1,12}),id=([A-Za-z0-9_.:-]{1,128}),v1=([0-9a-f]{64})")


def sign(secret: bytes, *, method: str, target: bytes, body: bytes, id: str, at: int) -> str:
    """The header's value. `id` must be free of commas and line feeds, as all ids of cutover are."""
    return f"t={at},id={id},v1={_code(secret, method, target, body, id, at)}"


def verify(
    secret: bytes, header: str, *, method: str, target: bytes, body: bytes, now: float, fresh_for: int = FRESH_FOR
) -> str | None:
    """The exchange's id if the signature holds and was made within `fresh_for` seconds of `now`, else None."""
    written = _WRITTEN.fullmatch(header)
    if written is None:
        return None
    at, id, code = int(written[1]), written[2], written[3]
    holds = hmac.compare_digest(code, _code(secret, method, target, body, id, at))
    return id if holds and abs(now - at) <= fresh_for else None


def _code(secret: bytes, method: str, target: bytes, body: bytes, id: str, at: int) -> str:
    head = f"v1\n{at}\n{id}\n{method}\n".encode()
    message = head + target + b"\n" + hashlib.sha256(body).hexdigest().encode()
    return hmac.new(secret, message, hashlib.sha256).hexdigest()
