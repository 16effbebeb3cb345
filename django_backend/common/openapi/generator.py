"""Finds the operations, and puts their descriptions together."""

from __future__ import annotations

import json
from typing import Any

from django.apps import apps
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from rest_framework.request import Request

from common.openapi.health import HEALTH, HEALTH_PATH
from common.openapi.schema import ENVELOPE
from common.openapi.shapes import Shape, table
from common.paths import AnyCase, ByMethod

OWN_APPS = "apps."


class OperationEnumerator(EndpointEnumerator):
    """Knows the paths that match in any letter case, and that each of their methods is an operation of its own."""

    def get_api_endpoints(self, patterns: Any = None, prefix: str = "") -> list[Any]:
        found = patterns or self.patterns or []
        return [
            (entry.pattern.template, entry.pattern.template, method, operation)
            for entry in found
            if isinstance(entry.pattern, AnyCase) and isinstance(entry.callback, ByMethod)
            for method, operation in entry.callback.operations.items()
        ]


class OperationGenerator(SchemaGenerator):
    """Describes all operations, health, and the rows that they answer."""

    endpoint_inspector_cls = OperationEnumerator

    def get_schema(self, request: Request | None = None, public: bool = False) -> Any:
        found = super().get_schema(request, public)  # type: ignore[no-untyped-call]
        found["paths"][HEALTH_PATH] = HEALTH
        found["components"]["schemas"] = {"Error": ENVELOPE, **_tables_in(json.dumps(found))}
        return found


def _tables_in(written: str) -> dict[str, Shape]:
    """The tables that a description refers to, by name."""
    models = [model for model in apps.get_models() if model.__module__.startswith(OWN_APPS)]
    named = {model.__name__: table(model) for model in models if f'schemas/{model.__name__}"' in written}
    return dict(sorted(named.items()))
