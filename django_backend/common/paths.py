"""Paths that match in any letter case, with and without a trailing slash; and one class per method of a path."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.urls.resolvers import RegexPattern
from django.views.decorators.csrf import csrf_exempt

from common.api import Api
from common.errors import method_not_allowed

PREFIX = "api/v1/"
PARAMETER = re.compile(r"<(\w+)(\.\.\.)?>")


class AnyCase(RegexPattern):
    """A regular expression that letter case does not matter to. (Django cannot reverse one that says so itself.)"""

    def __init__(self, regex: str) -> None:
        super().__init__(regex, is_endpoint=True)
        self.regex = re.compile(regex, re.IGNORECASE | re.ASCII)


def operations(path: str, **apis: type[Api]) -> URLPattern:
    """The operations of one path under the prefix, by method: `operations("cadets/<cadet_id>", get=CadetReadApi)`.

    A parameter is the text of one segment, in its own letter case; `<room...>` may hold slashes, which come encoded.
    """
    return outside(PREFIX + path, **apis)


def outside(path: str, **apis: type[Api]) -> URLPattern:
    """The same for a path that is not under the prefix."""
    pattern = PARAMETER.sub(lambda found: rf"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})", path)
    return URLPattern(AnyCase(rf"^{pattern}/?$"), _by_method(apis))


def _by_method(apis: Mapping[str, type[Api]]) -> Callable[..., HttpResponseBase]:
    views = {method.upper(): api.as_view() for method, api in apis.items()}
    if "GET" in views:
        views["HEAD"] = views["GET"]
    allowed = [*views, "OPTIONS"]

    # Tokens do not travel by themselves as cookies do, so nothing can be forged across sites.
    @csrf_exempt
    def view(request: HttpRequest, **parameters: Any) -> HttpResponseBase:
        chosen = views.get(request.method or "")
        if chosen is not None:
            return chosen(request, **parameters)
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": ", ".join(allowed)})
        return method_not_allowed(allowed)

    return view
