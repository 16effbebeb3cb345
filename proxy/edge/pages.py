"""The answers that the edge gives itself. They never repeat what the client sent and name no backend."""

from __future__ import annotations

from http import HTTPStatus

import orjson

from proxy.edge.head import Refusal
from proxy.edge.headers import Field, answer_head

RETRY_AFTER = (b"Retry-After", b"1")


def page(refusal: Refusal, *, with_body: bool = True, close: bool = True, request_id: bytes = b"") -> bytes:
    """Head and body of a refusal, in the error envelope `{error, message, code, details}`."""
    phrase = HTTPStatus(refusal.status).phrase
    body = orjson.dumps({"error": phrase, "message": refusal.message, "code": refusal.code, "details": {}})
    fields: list[Field] = [(b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(body))]
    fields += refusal.fields
    if request_id:
        fields.append((b"X-Request-ID", request_id))
    if close:
        fields.append((b"Connection", b"close"))
    return answer_head(refusal.status, phrase.encode(), fields) + (body if with_body else b"")
