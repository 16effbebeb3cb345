"""The switch: nearest to the views, so that what it spoils looks like theirs. With nothing switched on it is not there.

The file is read for every request: it names at most one regression, which holds from the very next request on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse

from stack.cast import mint
from tests.parity.plants.catalogue import PLANTS
from tests.parity.plants.plant import Answered, Plant

PREFIX = "/api/v1/"
SOME_ADMIN = 1


class PlantedMiddleware:
    """Serves requests with the one regression that is on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._file = Path(settings.PARITY_PLANT_FILE)
        self._cache: dict[str, HttpResponse] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = self._file.read_text()
        if not name:
            self._cache.clear()
            return self._get_response(request)
        plant = PLANTS[name]
        if not _touches(plant, request):
            return self._get_response(request)
        return self._cached(plant, request) if plant.cache else self._served(plant, request)

    def _cached(self, plant: Plant, request: HttpRequest) -> HttpResponse:
        key = str(plant.cache).format(path=request.path, token=request.headers.get("Authorization", ""))
        if key not in self._cache:
            self._cache.setdefault(key, self._served(plant, request))  # two may ask at once: the first one's stays
        known = self._cache[key]
        return HttpResponse(known.content, status=known.status_code, content_type=known["Content-Type"])

    def _served(self, plant: Plant, request: HttpRequest) -> HttpResponse:
        if plant.as_admin:
            request.META["HTTP_AUTHORIZATION"] = f"Bearer {mint(settings.JWT_SECRET, SOME_ADMIN)}"
            request.__dict__.pop("headers", None)  # made from META once, and kept
        if plant.ask:
            request.GET = request.GET.copy()
            for name, value in plant.ask.items():
                request.GET[name] = value
        with connection.execute_wrapper(_rewriting(plant)) if plant.sql else nullcontext():
            return _spoiled(plant, self._get_response(request))


def _touches(plant: Plant, request: HttpRequest) -> bool:
    """Whether a probe of this plant asks for this path."""
    return any(request.path == f"{PREFIX}{probe.path.partition('?')[0]}" for probe in plant.probes)


def _rewriting(plant: Plant) -> Callable[..., Any]:
    def execute(inner: Callable[..., Any], statement: str, params: Any, many: bool, context: Any) -> Any:
        assert plant.sql is not None
        return inner(*plant.sql(statement, params), many, context)

    return execute


def _spoiled(plant: Plant, response: HttpResponse) -> HttpResponse:
    answered = Answered(response.status_code, json.loads(response.content), {})
    if plant.edit is not None and answered.status == 200:
        changed = plant.edit(answered.document)
        answered = answered if changed is None else Answered(200, changed, {})
    if plant.spoil is not None:
        answered = plant.spoil(answered)
    response.status_code = answered.status
    response.content = json.dumps(answered.document, ensure_ascii=False, separators=(",", ":")).encode()
    response["Content-Length"] = str(len(response.content))
    for name, value in answered.fields.items():
        response[name] = value
    return response
