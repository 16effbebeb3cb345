"""The signature of a copy: a backend that cooperates can tell that cutover sent it, unchanged and just now.

`X-Cutover-Signature: t=<unix seconds>,id=<exchange id>,v2=<hex>`, where `v2` is HMAC-SHA256 with the shared secret
over these lines, joined by a line feed: `v2`, the time, the id, the value of `X-Cutover-Copy`, the method, the target
as sent, the hex SHA-256 of the body, and that of the value of `X-Cutover-Pin` (of nothing where there is none). So
nobody can make a replay of a mirrored request, or give a replay other ids or another actor.
"""

from __future__ import annotations

import hashlib
import hmac
import re

FRESH_FOR = 300
_WRITTEN = re.compile(r"t=([0-9]{1,12}),id=([A-Za-z0-9_.:-]{1,128}),v2=([0-9a-f]{64})")


def sign(
    secret: bytes, *, purpose: str, method: str, target: bytes, body: bytes, id: str, at: int, pin: bytes = b""
) -> str:
    """The header's value. `id` must be free of commas and line feeds, as all ids of cutover are."""
    return f"t={at},id={id},v2={_code(secret, purpose, method, target, body, pin, id, at)}"


def verify(
    secret: bytes, header: str, *, purpose: str, method: str, target: bytes, body: bytes, now: float, pin: bytes = b"",
    fresh_for: int = FRESH_FOR,
) -> str | None:  # fmt: skip
    """The exchange's id if the signature holds and was made within `fresh_for` seconds of `now`, else None."""
    written = _WRITTEN.fullmatch(header)
    if written is None:
        return None
    at, id, code = int(written[1]), written[2], written[3]
    holds = hmac.compare_digest(code, _code(secret, purpose, method, target, body, pin, id, at))
    return id if holds and abs(now - at) <= fresh_for else None


def _code(secret: bytes, purpose: str, method: str, target: bytes, body: bytes, pin: bytes, id: str, at: int) -> str:
    head = f"v2\n{at}\n{id}\n{purpose}\n{method}\n".encode()
    digests = f"\n{hashlib.sha256(body).hexdigest()}\n{hashlib.sha256(pin).hexdigest()}".encode()
    return hmac.new(secret, head + target + digests, hashlib.sha256).hexdigest()
