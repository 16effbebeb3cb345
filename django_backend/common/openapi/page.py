"""Serves the description. The legacy backend has no such page, so there is none either unless somebody asks for it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularJSONAPIView

from common.errors import not_found

_shown = SpectacularJSONAPIView.as_view()


@csrf_exempt
def description_page(request: HttpRequest) -> HttpResponseBase:
    """The description as JSON, where the setting SERVE_OPENAPI allows it; elsewhere a path like any unknown one."""
    return _shown(request) if settings.SERVE_OPENAPI else not_found(request)
