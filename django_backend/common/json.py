"""JSON as both backends speak it: compact, in UTF-8, times in UTC with a `Z`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import IO, Any

import orjson
from django.http import HttpResponse
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from common.exceptions import BodyTooLarge, MalformedJson

# What the legacy backend accepts.
LARGEST_BODY = 10 * 1024 * 1024
OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
BEYOND_INTEGERS = 2**64


def dumps(value: Any) -> bytes:
    """`value` as JSON: no spaces, nothing escaped that need not be, a Decimal as the string it reads as."""
    try:
        return orjson.dumps(value, default=_plain, option=OPTIONS)
    except orjson.JSONEncodeError:
        # A JSON column holds numbers of any length; the legacy answers what a double makes of them.
        return orjson.dumps(_in_doubles(value), default=_plain, option=OPTIONS)


def json_response(value: Any, *, status: int, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """An answer from outside the framework's operations, with its length: the middleware that adds it may not run."""
    body = dumps(value)
    length = {"Content-Length": str(len(body))}
    return HttpResponse(body, status=status, content_type="application/json", headers={**length, **(headers or {})})


def loads(body: bytes) -> Any:
    """The value that `body` holds; anything that JavaScript would not parse is `MalformedJson`."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as mistake:
        raise MalformedJson from mistake


def _in_doubles(value: Any) -> Any:
    """`value` with what no integer of 64 bits holds as a double; beyond the largest double it is null, as in Node."""
    if isinstance(value, Mapping):
        return {name: _in_doubles(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_in_doubles(inner) for inner in value]
    if isinstance(value, int) and not -BEYOND_INTEGERS // 2 <= value < BEYOND_INTEGERS:
        try:
            return float(value)
        except OverflowError:
            return None
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, str):
        # An ErrorDetail of the framework, which is a string with a code.
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class JsonRenderer(BaseRenderer):
    """Answers in JSON, whatever the request says it accepts."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else dumps(data)


class JsonParser(BaseParser):
    """Reads a body that must be a JSON object or array, as the legacy backend's parser does."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            raise BodyTooLarge
        value = loads(body)
        if not isinstance(value, dict | list):
            raise MalformedJson
        return value


class OnlyJson(DefaultContentNegotiation):
    """Answers in JSON whatever `Accept` says; the legacy backend does not look at it either."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        only = next(iter(renderers))
        return only, only.media_type
