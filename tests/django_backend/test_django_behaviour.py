"""The description against the behaviour: requests made from it, good and bad, by everybody, on the sample's data.

What comes back must be as described: the status, the media type, the shape; never a 5xx; and bad input is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import schemathesis
from django.conf import settings as django_settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from apps.files.models import File
from apps.reports.models import Report
from common.openapi.description import FORM
from common.openapi.generator import OperationEnumerator, OperationGenerator
from config.wsgi import application
from stack.cast import Cast, Client
from stack.seed import empty, seed

# A short form here; CI's profile tries twice as many.
EXAMPLES = settings.default.max_examples // 8
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
GOOD, BAD = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
FEW = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# An id that the sample has is as good as another, and says more.
SEEDED = 40


@pytest.fixture(scope="module")
def corps(database_url: str, django_db_setup: None, django_db_blocker: Any) -> Iterator[list[Client]]:
    """The sample with all its oddities, and one person of each role."""
    with django_db_blocker.unblock():
        url = urlsplit(database_url)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
        seed(None, url, warts=True)
        yield [people[0] for people in _roles()]
        empty(url)


def _attempts() -> list[Any]:
    """Every operation with good input, and with bad input where there is any that could be bad."""
    found = []
    for path, _, method, operation in OperationEnumerator().get_api_endpoints():
        said = operation.cls.description
        checked = said.body or "limit" in said.query or "_id}" in path
        for mode in (GOOD, BAD) if checked else (GOOD,):
            found.append(pytest.param(method, path, mode, id=f"{method} {path} {mode.value}"))
    return found


def _roles() -> list[list[Client]]:
    cast = Cast(django_settings.JWT_SECRET)
    return [cast.admins, cast.instructors, cast.cadets]


@pytest.fixture(scope="module")
def described() -> Any:
    """The description, and behind it the application as a server calls it."""
    page = OperationGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    for methods in page["paths"].values():
        for operation in methods.values():
            # Who asks is ours to say.
            operation.pop("security", None)
    found = schemathesis.openapi.from_dict(page)
    found.app = application
    return found


@pytest.fixture
def one_connection(db: None) -> Iterator[None]:
    """Every request in the transaction of the test, whose end takes all back. Bad references are noticed at once."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.parametrize(("method", "path", "mode"), _attempts())
def test_what_comes_back_is_as_described(
    one_connection: None, described: Any, corps: list[Client], method: str, path: str, mode: GenerationMode
) -> None:
    operation = described[path][method]

    @FEW
    @given(case=operation.as_strategy(generation_mode=mode), who=st.sampled_from([*corps, None]), known=st.booleans())
    def conforms(case: Case, who: Client | None, known: bool) -> None:
        if mode is GOOD and known:
            case.path_parameters = {name: seeded(name, value) for name, value in case.path_parameters.items()}
            case.body = in_body("", case.body)
        headers = {"Authorization": f"Bearer {who.token}"} if who else {}
        with transaction.atomic():
            answer = case.call(headers=headers)
            transaction.set_rollback(True)
        # In a form everything is a text, so that nothing is of a wrong type.
        refused = [negative_data_rejection] if mode is BAD and case.media_type != FORM else []
        case.validate_response(answer, checks=[*CHECKS, *refused], headers=headers)

    conforms()


def seeded(name: str, value: Any) -> Any:
    """An id of the sample in place of one that nothing has."""
    if name == "file_id":
        return str(File.objects.values_list("pk", flat=True).order_by("pk")[hash(value) % 5])
    if name == "report_id":
        return str(Report.objects.values_list("pk", flat=True).order_by("pk")[hash(value) % 5])
    return 1 + value % SEEDED if isinstance(value, int) else value


def in_body(name: str, value: Any) -> Any:
    """The same in a body, wherever a field is called like an id."""
    match value:
        case dict():
            return {key: in_body(key, inner) for key, inner in value.items()}
        case list():
            return [in_body(name, inner) for inner in value]
        case int() if name.endswith(("Id", "_id", "ids")):
            return seeded(name, value)
    return value
