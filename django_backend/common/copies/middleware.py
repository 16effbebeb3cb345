"""Serves each request as what it is: an original, a mirrored one, a replay, or the question what became of a write."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.module_loading import import_string

from common.copies.answers import (
    RefusedForEver,
    Write,
    answer_record,
    answer_resolve,
    fingerprint,
    known_answer,
)
from common.copies.arrival import Arrival, KeyUnacceptable, arrival_of, target_of
from common.copies.current import Kind, serving
from common.errors import answer
from common.exceptions import ApplicationError
from common.failure import failure_of

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
Handler = Callable[[HttpRequest], HttpResponseBase]

log = structlog.get_logger(__name__)


class CopiesMiddleware:
    """Stands outside everything that writes, so that an answer can be recorded in the transaction of its effect.

    The setting CUTOVER_WHO names a function that says who sends a request, from its token alone; None for nobody.
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response
        self._who: Callable[[HttpRequest], str | None] = import_string(settings.CUTOVER_WHO)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            arrival = arrival_of(request)
            with serving(arrival.copy):
                return self._served(request, arrival)
        except (ApplicationError, DatabaseTrouble) as error:
            return answer(failure_of(error))

    def _served(self, request: HttpRequest, arrival: Arrival) -> HttpResponseBase:
        match arrival.copy.kind:
            case Kind.MIRROR:
                return self._mirrored(request)
            case Kind.RESOLVE:
                return self._resolved(request, arrival.key)
        who = self._who(request)
        # Who nobody knows writes nothing, and a read has nothing to record.
        if arrival.key is None or who is None or request.method not in WRITES:
            return self._get_response(request)
        write = Write(arrival.key, request.method, target_of(request), fingerprint(who, request.body))
        return self._done_once(request, write)

    def _mirrored(self, request: HttpRequest) -> HttpResponseBase:
        """The database itself refuses every write; nothing that was asked for on commit is done."""
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            response = self._get_response(request)
            transaction.set_rollback(True)
        return response

    def _resolved(self, request: HttpRequest, key: str | None) -> HttpResponseBase:
        if key is None:
            raise KeyUnacceptable
        with transaction.atomic():
            recorded = answer_resolve(
                key=key, method=str(request.method), target=target_of(request), now=timezone.now()
            )
        if recorded is None:
            raise RefusedForEver
        return recorded

    def _done_once(self, request: HttpRequest, write: Write) -> HttpResponseBase:
        """A refusal leaves nothing behind, not even itself: the same write may be good when it comes again."""
        with transaction.atomic():
            response = known_answer(write)
            if response is not None:
                return response
            fresh = self._get_response(request)
            if fresh.status_code >= 400:
                transaction.set_rollback(True)
            elif isinstance(fresh, HttpResponse):
                answer_record(write, fresh, now=timezone.now())
        return fresh
