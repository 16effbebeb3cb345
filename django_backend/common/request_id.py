"""Gives every request an id: the one it came with, or a new one; every log line and the answer carry it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

HEADER = "X-Request-ID"
# What is not of this form did not come from the edge, and could forge log lines.
ACCEPTABLE = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)


class RequestIdMiddleware:
    """Sets the id before, and forgets it after, everything that may log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = acceptable(request.headers.get(HEADER)) or uuid.uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self._get_response(request)
        response.headers[HEADER] = request_id
        return response


def acceptable(request_id: str | None) -> str | None:
    """`request_id` if it can be taken over as it is, else nothing."""
    return request_id if request_id and ACCEPTABLE.fullmatch(request_id) else None
