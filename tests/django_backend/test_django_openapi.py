"""The description of the API: it is complete, it is valid, and it is shown where somebody asks for it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from common.openapi.generator import OperationGenerator
from common.openapi.health import HEALTH_PATH
from tests.django_backend.people import refusal, told
from tests.django_backend.test_django_contract import promised

PARAMETER = re.compile(r"\{\w+\}")
# Those that need no login.
OPEN = {"login", "uploaded", "health"}


@pytest.fixture(scope="module")
def page() -> Any:
    """The whole description."""
    return OperationGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]


def operations(page: Any) -> list[tuple[str, str, Any]]:
    return [(path, method.upper(), one) for path, methods in page["paths"].items() for method, one in methods.items()]


def test_the_command_writes_a_valid_description_and_has_nothing_to_warn_of(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--format", "openapi-json", "--fail-on-warn", "--validate")
    assert json.loads(capsys.readouterr().out)["openapi"].startswith("3.1")


def test_every_operation_of_the_contract_is_described_and_no_other(page: Any) -> None:
    described = {(PARAMETER.sub("{}", path), method) for path, method, _ in operations(page)}
    contract = {(PARAMETER.sub("{}", path), method) for path, methods in promised().items() for method in methods}
    assert described == contract | {(HEALTH_PATH, "GET")}


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(page: Any) -> None:
    names = [operation["operationId"] for _, _, operation in operations(page)]
    assert len(set(names)) == len(names)
    assert all(operation["summary"] and operation["description"] for _, _, operation in operations(page))


def test_only_those_that_need_no_login_are_described_without_a_token(page: Any) -> None:
    without = {operation["operationId"] for _, _, operation in operations(page) if not operation.get("security")}
    assert without == OPEN
    assert page["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"


def test_every_refusal_is_described_in_the_envelope(page: Any) -> None:
    assert set(page["components"]["schemas"]["Error"]["required"]) == {"error", "message", "code", "details"}
    for path, _, operation in operations(page):
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and path != HEALTH_PATH:
                assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


def test_lists_are_described_with_their_pages(page: Any) -> None:
    cadets = page["paths"]["/api/v1/cadets"]["get"]
    answer = cadets["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer["required"] == ["page", "limit", "total", "data"]
    assert answer["properties"]["data"]["items"] == {"$ref": "#/components/schemas/Cadet"}
    assert {"page", "limit"} <= {parameter["name"] for parameter in cadets["parameters"]}


def test_every_reference_leads_somewhere_and_every_shape_is_referred_to(page: Any) -> None:
    referred = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(page)))
    assert referred == set(page["components"]["schemas"])


def test_the_page_is_like_any_unknown_path_unless_somebody_asks_for_it(client: Client, settings: Any) -> None:
    assert refusal(client.get("/api/schema")) == (404, "Not found")
    assert refusal(client.post("/api/schema")) == (404, "Not found")
    settings.SERVE_OPENAPI = True
    for path in ("/api/schema", "/api/schema/"):
        assert told(client.get(path))["info"]["title"] == "ROTC Grading System"
