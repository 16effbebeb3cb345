"""Verifies that a copy was sent by cutover, unchanged and just now.

`X-Cutover-Signature: t=<unix seconds>,id=<id>,v2=<hex>`, where `v2` is HMAC-SHA256 with the shared secret over these
lines, joined by a line feed: `v2`, the time, the id, the value of `X-Cutover-Copy`, the method, the target as sent, the
hex SHA-256 of the body, and that of the value of `X-Cutover-Pin` (of nothing where there is none).
"""

from __future__ import annotations

import hashlib
import hmac
import re

FRESH_FOR_SECONDS = 300
WRITTEN = re.compile(r"t=([0-9]{1,12}),id=([A-Za-z0-9_.:-]{1,128}),v2=([0-9a-f]{64})", re.ASCII)


def signed_id(
    secret: bytes, header: str, *, purpose: str, method: str, target: bytes, body: bytes, now: float, pin: bytes = b""
) -> str | None:
    """The id that the signature speaks for, if it holds and is fresh; else None."""
    written = WRITTEN.fullmatch(header)
    if written is None:
        return None
    at, identity, code = written.groups()
    head = f"v2\n{int(at)}\n{identity}\n{purpose}\n{method}\n".encode()
    digests = f"\n{hashlib.sha256(body).hexdigest()}\n{hashlib.sha256(pin).hexdigest()}".encode()
    expected = hmac.new(secret, head + target + digests, hashlib.sha256).hexdigest()
    fresh = abs(now - int(at)) <= FRESH_FOR_SECONDS
    return identity if hmac.compare_digest(code, expected) and fresh else None
