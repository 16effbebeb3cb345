"""Finds out what a request is: an original, or a copy with a good signature; and under which key it comes."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from django.conf import settings
from django.http import HttpRequest

from common.copies.current import ORIGINAL, Copy, Kind
from common.copies.pins import pins_read
from common.copies.signature import signed_id
from common.exceptions import ApplicationError

COPY_HEADER, SIGNATURE_HEADER, PIN_HEADER = "X-Cutover-Copy", "X-Cutover-Signature", "X-Cutover-Pin"
KEY_HEADER = "Idempotency-Key"
ACCEPTABLE_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

log = structlog.get_logger(__name__)


class KeyUnacceptable(ApplicationError):
    """The key cannot be one."""

    status = HTTPStatus.BAD_REQUEST
    code = "BAD_IDEMPOTENCY_KEY"
    message = "Idempotency-Key must be 1 to 255 visible characters"


class CopyNotProven(ApplicationError):
    """Who claims to bring a copy cannot prove it: the secrets differ, or the clocks, or it comes too late."""

    status = HTTPStatus.FORBIDDEN
    code = "COPY_NOT_PROVEN"
    message = "X-Cutover-Copy needs an X-Cutover-Signature that holds and is fresh: compare the secrets and the clocks"


@dataclass(frozen=True)
class Arrival:
    """A request as it came in."""

    copy: Copy
    key: str | None


def arrival_of(request: HttpRequest) -> Arrival:
    """What `request` is. Raises CopyNotProven: a copy that were served as an original would be done twice, with side
    effects and under other ids. Without a secret nobody can prove anything, and all are originals."""
    kind, identity = _proven(request)
    key = request.headers.get(KEY_HEADER) or (identity if kind in {Kind.REPLAY, Kind.RESOLVE} else None)
    if key is not None and not ACCEPTABLE_KEY.fullmatch(key):
        raise KeyUnacceptable
    if kind is Kind.REPLAY and PIN_HEADER in request.headers:
        return Arrival(Copy(kind, pins_read(request.headers[PIN_HEADER])), key)
    return Arrival(ORIGINAL if kind is None else Copy(kind), key)


def target_of(request: HttpRequest) -> str:
    """The target of the request line, as it was sent where the server tells it."""
    return str(request.META.get("RAW_URI") or request.META.get("REQUEST_URI") or request.get_full_path())


def _proven(request: HttpRequest) -> tuple[Kind | None, str | None]:
    word = request.headers.get(COPY_HEADER)
    if word is None or not settings.CUTOVER_SECRET:
        return None, None
    identity = _signed(request, word)
    mistake = _mistake(request, word, identity)
    if mistake:
        log.warning("a copy was not believed", claimed=word, reason=mistake)
        raise CopyNotProven
    return Kind(word), identity


def _mistake(request: HttpRequest, word: str, identity: str | None) -> str | None:
    if identity is None:
        return "the signature is missing, wrong or old"
    if word not in set(Kind):
        return "there is no such kind of copy"
    if word != Kind.MIRROR and request.headers.get(KEY_HEADER, identity) != identity:
        return "the signature is for another key"
    return None


def _signed(request: HttpRequest, word: str) -> str | None:
    header = request.headers.get(SIGNATURE_HEADER)
    if header is None:
        return None
    return signed_id(
        settings.CUTOVER_SECRET.encode(),
        header,
        purpose=word,
        pin=request.headers.get(PIN_HEADER, "").encode("latin-1", "replace"),
        method=str(request.method),
        target=target_of(request).encode("latin-1", "replace"),
        body=request.body,
        now=time.time(),
    )
