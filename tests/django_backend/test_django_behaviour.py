"""The description against the behaviour: requests made from it, good and bad, by everybody, on the sample's data.

What comes back must be as described: the status, the media type, the shape; never a 5xx; and bad input is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
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
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from apps.cadets.models import Cadet
from apps.files.models import File
from apps.reports.models import Report
from common.openapi.description import FORM
from common.openapi.generator import OperationEnumerator, OperationGenerator
from config.wsgi import application
from stack.cast import Cast, Client
from stack.operations import CADET
from stack.sample.population import ADMIN
from stack.seed import empty, seed
from tests.django_backend.people import PICTURE

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
# So many rows of each kind the sample has at least.
SEEDED = 15
ID = re.compile("(Id|_id|ids)$")
FOUND: dict[str, Callable[[], str]] = {
    "file_id": lambda: str(File.objects.values_list("pk", flat=True).order_by("pk")[0]),
    "report_id": lambda: str(Report.objects.filter(status="completed").values_list("pk", flat=True)[0]),
    "qrData": lambda: Cadet.objects.values_list("student_id", flat=True).order_by("pk")[0],
    "username": lambda: ADMIN.username,
    "password": lambda: ADMIN.password,
    "currentPassword": lambda: ADMIN.password,
    "name": lambda: UPLOADED,
}
UPLOADED = "uploaded.png"


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
    """The description, and behind it the application."""
    page = OperationGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    for methods in page["paths"].values():
        for operation in methods.values():
            # Who asks is ours to say.
            operation.pop("security", None)
    found = schemathesis.openapi.from_dict(page)
    found.app = read_to_the_end
    return found


@pytest.fixture
def one_connection(db: None, uploads: Path) -> Iterator[None]:
    """Every request in the transaction of the test, whose end takes all back. Bad references are noticed at once."""
    uploads.mkdir(parents=True, exist_ok=True)
    (uploads / UPLOADED).write_bytes(PICTURE)
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
    @given(
        case=operation.as_strategy(generation_mode=mode, feedback=NO_FEEDBACK),
        who=st.sampled_from([corps[0], *corps, None]),
        known=st.sampled_from([True, True, False]),
    )
    def conforms(case: Case, who: Client | None, known: bool) -> None:
        if mode is GOOD and known:
            case.path_parameters = {name: seeded(name, value) for name, value in case.path_parameters.items()}
            case.body = seeded("", case.body)
        headers = {"Authorization": f"Bearer {who.token}"} if who else {}
        with transaction.atomic():
            answer = case.call(headers=headers)
            transaction.set_rollback(True)
        refused = [negative_data_rejection] if mode is BAD and is_looked_at(case, who) else []
        case.validate_response(answer, checks=[*CHECKS, *refused], headers=headers)

    conforms()


def read_to_the_end(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """The application as a server calls it: the client of these tests closes no answer."""
    with closing(application(environ, start_response)) as answer:
        return list(answer)


def is_looked_at(case: Case, who: Client | None) -> bool:
    """Whether what is bad can be noticed; the legacy backend does not notice these either."""
    if case.media_type == FORM:
        # Everything is a text in it, so that nothing is of a wrong type.
        return False
    body = case.body if isinstance(case.body, dict) else {}
    if who is not None and who.role == CADET and "cadetId" in {**(case.query or {}), **body}:
        # Cadets see their own and write their own, whoever they name.
        return False
    # What is common to all of a list is looked at with its first entry.
    return [] not in (body.get("grades"), body.get("records"))


def seeded(name: str, value: Any) -> Any:
    """What the sample has in place of an id that nothing has, or of a name that nobody has."""
    match value:
        case dict():
            return {key: seeded(key, inner) for key, inner in value.items()}
        case list():
            return [seeded(name, inner) for inner in value]
        case int() | str() if name in FOUND:
            return FOUND[name]()
        case int() if ID.search(name):
            return 1 + value % SEEDED
        case str() if ID.search(name) and value.strip().lstrip("-").isdigit():
            return 1 + int(value) % SEEDED
    return value
