"""Answers every failure in the one envelope, whoever noticed it: a service, the framework, the router, the database."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from rest_framework.response import Response

from common.failure import (
    BAD_REQUEST,
    COPY_WROTE,
    FORBIDDEN,
    INTERNAL,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    Failure,
    failure_of,
)
from common.faults import fault_report
from common.json import json_response

log = structlog.get_logger(__name__)


def answer_for(error: Exception, context: dict[str, Any]) -> Response:
    """The answer of an operation that raised. Faults of ours are logged with their trace; the client learns nothing."""
    failure = failure_of(error)
    if failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR or failure is COPY_WROTE:
        log.error("request failed", path=context["request"].path, exc_info=error)
    if failure is INTERNAL or failure is COPY_WROTE:
        fault_report(error)
    return Response(failure.envelope, status=failure.status, headers=_headers(failure))


def answer(failure: Failure) -> HttpResponse:
    """The answer where no operation was reached."""
    return json_response(failure.envelope, status=failure.status, headers=_headers(failure))


def method_not_allowed(allowed: Iterable[str]) -> HttpResponse:
    """The answer to a method that the path does not offer, with those that it does."""
    refused = answer(METHOD_NOT_ALLOWED)
    refused["Allow"] = ", ".join(allowed)
    return refused


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's answer to a request that it does not trust, an unknown Host among them."""
    return answer(BAD_REQUEST if exception is None else failure_of(exception))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's answer where something other than an operation refused."""
    return answer(FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The answer for every path that nobody serves; also a view, so that debugging shows the same."""
    return answer(NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's answer when even the handling of a failure failed."""
    return answer(INTERNAL)


def _headers(failure: Failure) -> dict[str, str]:
    if failure.status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    if failure.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": "1"}
    return {}
