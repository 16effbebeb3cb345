"""Paths that match in any letter case, with and without a trailing slash; and one class per method of a path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.urls.resolvers import RegexPattern

from common.api import Api
from common.errors import method_not_allowed

PREFIX = "api/v1/"
PARAMETER = re.compile(r"<(\w+)(\.\.\.)?>")


class AnyCase(RegexPattern):
    """A regular expression that letter case does not matter to. (Django cannot reverse one that says so itself.)

    `template` is the path for people: `/api/v1/cadets/{cadet_id}`.
    """

    def __init__(self, path: str) -> None:
        pattern = PARAMETER.sub(lambda found: rf"(?P<{found[1]}>{'(?s:.+)' if found[2] else '[^/]+'})", path)
        super().__init__(rf"^{pattern}/?$", is_endpoint=True)
        self.regex = re.compile(rf"^{pattern}/?$", re.IGNORECASE | re.ASCII)
        self.template = "/" + PARAMETER.sub(r"{\1}", path)


class ByMethod:
    """A view of one path: each of its methods is an operation of its own."""

    # Tokens do not travel by themselves as cookies do, so nothing can be forged across sites.
    csrf_exempt = True

    def __init__(self, apis: Mapping[str, type[Api]]) -> None:
        self.operations = {method.upper(): api.as_view() for method, api in apis.items()}
        self._views = dict(self.operations)
        if "GET" in self._views:
            self._views["HEAD"] = self._views["GET"]
        self._allowed = [*self._views, "OPTIONS"]

    def __call__(self, request: HttpRequest, **parameters: Any) -> HttpResponseBase:
        chosen = self._views.get(request.method or "")
        if chosen is not None:
            return chosen(request, **parameters)
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": ", ".join(self._allowed)})
        return method_not_allowed(self._allowed)


def operations(path: str, **apis: type[Api]) -> URLPattern:
    """The operations of one path under the prefix, by method: `operations("cadets/<cadet_id>", get=CadetReadApi)`.

    A parameter is the text of one segment, in its own letter case; `<room...>` may hold slashes, which come encoded.
    """
    return outside(PREFIX + path, **apis)


def outside(path: str, **apis: type[Api]) -> URLPattern:
    """The same for a path that is not under the prefix."""
    return URLPattern(AnyCase(path), ByMethod(apis))
