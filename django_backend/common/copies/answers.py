"""Keeps the answer of each write under its key, so that the same write can come twice and happen once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from django.db import connection
from django.http import HttpResponse

from common.copies.models import RecordedAnswer
from common.exceptions import ApplicationError


class InProgress(ApplicationError):
    """The same write is being done at this moment."""

    status = HTTPStatus.CONFLICT
    code = "IN_PROGRESS"
    message = "A request with this key is in progress"


class KeyReused(ApplicationError):
    """The key belongs to another write."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "KEY_REUSED"
    message = "This key was used for another request"


class RefusedForEver(ApplicationError):
    """Somebody asked what became of this write while nothing had; since then it is refused."""

    status = HTTPStatus.GONE
    code = "REFUSED"
    message = "This request was not done, and will not be"


@dataclass(frozen=True)
class Write:
    """One write as its key knows it: what is asked of which path, by whom and with which body."""

    key: str
    method: str
    target: str
    fingerprint: str


def fingerprint(who: str, body: bytes) -> str:
    """A digest of who asks and with which body. Not of the token: a replay brings a newer one of the same user."""
    return hashlib.sha256(who.encode() + b"\n" + body).hexdigest()


def known_answer(write: Write) -> HttpResponse | None:
    """The answer that was recorded for `write`; None if there is none, and the write is the caller's to do.

    From here to the end of the transaction nobody else gets this far with the same key.
    """
    row = _claimed(write.key)
    if row is None:
        return None
    if row.status is None:
        raise RefusedForEver
    if (row.method, row.target, row.fingerprint) != (write.method, write.target, write.fingerprint):
        raise KeyReused
    return _replayed(row)


def answer_record(write: Write, answer: HttpResponse, *, now: datetime) -> None:
    """Keep `answer`, in the transaction of what it tells."""
    RecordedAnswer.objects.create(
        key=write.key,
        method=write.method,
        target=write.target,
        fingerprint=write.fingerprint,
        status=answer.status_code,
        content_type=answer.get("Content-Type", ""),
        body=answer.content,
        recorded_at=now,
    )


def answer_resolve(*, key: str, method: str, target: str, now: datetime) -> HttpResponse | None:
    """What was recorded for the key; None if nothing was, and then the write is refused from now on."""
    row = _claimed(key)
    if row is None:
        RecordedAnswer.objects.create(key=key, method=method, target=target, fingerprint="", recorded_at=now)
        return None
    if (row.method, row.target) != (method, target):
        raise KeyReused
    return None if row.status is None else _replayed(row)


def answers_forget(*, before: datetime) -> int:
    """Forget answers that nobody will ask for any more, and say how many. Refusals are for ever."""
    forgotten, _ = RecordedAnswer.objects.filter(recorded_at__lt=before, status__isnull=False).delete()
    return forgotten


def _claimed(key: str) -> RecordedAnswer | None:
    """The row of the key, if there is one, after everybody else who uses the key has finished."""
    # 64 bits of a digest: two keys that share them would only wait for each other.
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise InProgress
    return RecordedAnswer.objects.filter(pk=key).first()


def _replayed(row: RecordedAnswer) -> HttpResponse:
    body = bytes(row.body)
    headers = {"Idempotency-Replayed": "true", "Content-Length": str(len(body))}
    return HttpResponse(body, status=row.status, content_type=row.content_type, headers=headers)
