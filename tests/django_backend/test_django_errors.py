"""Failures: every one is answered in the envelope, and none of them is a 500 that a request could cause."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, InterfaceError, InternalError, OperationalError, connection, transaction
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, UnreadablePostError
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from apps.authentication.models import User
from apps.cadets.models import Cadet
from apps.grading.models import Grade, GradeCategory, MeritDemeritLog
from common import errors
from common.exceptions import MalformedJson
from common.failure import failure_of
from common.json import LARGEST_BODY, dumps, loads
from tests.django_backend.people import PASSWORD, Ask, cadet, refusal, told

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
)


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v1", "/api/v1/", "/api/v1/nope", "/api/v1/cadets/1/x", "/é", "/a//b"]
)
@pytest.mark.parametrize("debug", [True, False])
def test_an_unknown_path_is_a_404_also_while_debugging(client: Client, settings: Any, path: str, debug: bool) -> None:
    settings.DEBUG = debug
    assert refusal(client.get(path)) == (404, "Not found")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_an_unknown_path_is_a_404_for_every_method(method: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert refusal(getattr(strict, method)("/api/v1/nope")) == (404, "Not found")


def test_a_page_of_another_origin_may_send_a_key_and_see_that_an_answer_came_again(
    client: Client, settings: Any
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://rotc.example"]
    asked = {"Origin": "https://rotc.example", "Access-Control-Request-Method": "POST"}
    preflight = client.options("/api/v1/activities", headers=asked)
    assert "idempotency-key" in preflight["Access-Control-Allow-Headers"]
    answer = client.get("/api/v1/nope", headers={"Origin": "https://rotc.example"})
    assert "Idempotency-Replayed" in answer["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("path", ["auth/me", "AUTH/ME", "Auth/me/", "auth/mE/"])
def test_paths_match_in_any_letter_case_with_and_without_a_slash(ask: Ask, alice: User, path: str) -> None:
    answer = ask("get", path, by=alice)
    assert (answer.status_code, told(answer)["username"]) == (200, "alice")


@pytest.mark.parametrize("path", ["auth/me//", "auth//me", "auth/me%0a", "auth/ſettings", "auth/me/x"])
def test_a_path_that_only_resembles_another_is_unknown(ask: Ask, alice: User, path: str) -> None:
    assert refusal(ask("get", path, by=alice)) == (404, "Not found")


def test_a_method_that_the_path_does_not_offer_is_a_405_with_those_it_does(ask: Ask, alice: User) -> None:
    answer = ask("delete", "auth/settings", by=alice)
    assert refusal(answer) == (405, "Method not allowed")
    assert answer["Allow"] == "GET, PUT, HEAD, OPTIONS"
    assert ask("options", "auth/settings")["Allow"] == answer["Allow"]
    assert ask("head", "auth/me", by=alice).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"\xff", b"NaN", b'{"a": NaN}', b'{"a": Infinity}', b"5", b'"x"', b"null", b"[" * 100_000, b"{'a': 1}"],
)
def test_json_that_is_malformed_is_a_400(ask: Ask, db: None, body: bytes) -> None:
    expected = "Malformed JSON" if body else "Username and password are required"
    assert refusal(ask("post", "auth/login", body=body)) == (400, expected)


def test_a_body_beyond_what_node_reads_is_a_413(ask: Ask, db: None) -> None:
    body = b'{"username": "' + b"x" * LARGEST_BODY + b'"}'
    assert refusal(ask("post", "auth/login", body=body)) == (413, "Request body too large")


def test_a_body_of_another_kind_is_a_415(ask: Ask, db: None) -> None:
    assert refusal(ask("post", "auth/login", data={"username": "a"}))[0] == 415


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "x", "*/*;q=0"])
def test_the_answer_is_json_whatever_the_client_accepts(ask: Ask, alice: User, accept: str) -> None:
    answer = ask("get", "auth/me", by=alice, headers={"Accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_an_unknown_host_is_a_400_in_the_envelope(client: Client) -> None:
    assert refusal(client.get("/api/v1/cadets", headers={"Host": "evil.example"})) == (400, "Bad request")


@pytest.mark.parametrize("query", ["search=%00", "company=a%00b", "course=%00"])
def test_a_nul_in_a_query_is_a_400(ask: Ask, bob: User, query: str) -> None:
    assert refusal(ask("get", f"cadets?{query}", by=bob))[0] == 400


def test_a_text_too_long_for_the_index_of_its_column_is_a_400(ask: Ask, bob: User) -> None:
    # Random, because what compresses well fits.
    long = "".join(chr(33 + (number * number * 7919) % 9000) for number in range(20_000))
    body = {"first_name": "a", "last_name": "b", "student_id": long}
    assert refusal(ask("post", "cadets", by=bob, body=body))[0] == 400
    assert ask("post", "cadets", by=bob, body={**body, "student_id": "1", "first_name": long}).status_code == 201


def test_what_the_database_says_about_a_request_never_reaches_the_client(ask: Ask, bob: User) -> None:
    cadet("2024-1")
    answer = ask("post", "cadets", by=bob, body={"first_name": "a", "last_name": "b", "student_id": "2024-1"})
    assert told(answer)["details"] == {"constraint": "cadets_student_id_key"}
    assert b"duplicate" not in answer.content and b"2024-1" not in answer.content


def breaking(change: Any) -> Exception:
    """What the database raises when `change` is made and committed."""
    with pytest.raises(Exception) as caught, transaction.atomic():
        change()
        connection.check_constraints()
    return caught.value


def test_each_way_to_break_a_rule_of_the_database_has_its_status(db: None) -> None:
    one = cadet("1")
    category = GradeCategory.objects.create(name="exam", weight=1)
    broken = {
        "a foreign key": lambda: Grade.objects.create(cadet_id=999, category=category, score=1),
        "a check": lambda: MeritDemeritLog.objects.create(cadet=one, type="bribe", points=1),
        "a null": lambda: MeritDemeritLog.objects.create(cadet=one, type="merit", points=None),
        "a number too large": lambda: GradeCategory.objects.create(name="x", weight=10_000),
        "an integer too large": lambda: Cadet.objects.raw("SELECT 2147483648::int AS id")[0],
    }
    statuses = {rule: failure_of(breaking(change)).status for rule, change in broken.items()}
    assert statuses == dict.fromkeys(broken, 400)
    assert failure_of(breaking(lambda: cadet("1"))).status == 409


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Http404(), 404),
        (SuspiciousOperation(), 400),
        (RequestDataTooBig(), 413),
        (UnreadablePostError(), 400),
        (PermissionDenied("secret"), 403),
        (IntegrityError(), 400),
        (OperationalError("secret"), 503),
        (InterfaceError("secret"), 503),
        (InternalError("secret"), 500),
        (ProtectedError("secret", set()), 409),
        (ValidationError({"name": ["is wrong"]}), 400),
        (ZeroDivisionError("secret"), 500),
    ],
)
def test_a_failure_that_something_else_raised_has_its_status_and_no_secret(error: Exception, status: int) -> None:
    failure = failure_of(error)
    assert failure.status == status
    assert "secret" not in str(failure.envelope)


def test_the_last_resort_answers_in_the_envelope() -> None:
    assert refusal(errors.server_error(HttpRequest())) == (500, "Internal server error")
    assert refusal(errors.forbidden(HttpRequest())) == (403, "Access denied")


@pytest.mark.parametrize("given_id", ["abc-123", None, "a b", "x" * 129, "é", ""])
def test_every_answer_carries_an_id_and_a_good_one_is_kept(ask: Ask, db: None, given_id: str | None) -> None:
    answer = ask("get", "nope", headers={} if given_id is None else {"X-Request-ID": given_id})
    assert (answer["X-Request-ID"] == given_id) == (given_id == "abc-123")
    assert len(answer["X-Request-ID"]) in (7, 32)


def test_json_is_written_as_javascript_writes_it() -> None:
    assert (
        dumps({"a": [1, 2.5, None, True], "é😀": "<&>\u2028"}) == '{"a":[1,2.5,null,true],"é😀":"<&>\u2028"}'.encode()
    )


@pytest.mark.property_test
@given(JSON)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert loads(dumps(value)) == value
    assert json.loads(dumps(value)) == value


@pytest.mark.property_test
@given(st.binary())
def test_any_bytes_are_json_or_malformed(body: bytes) -> None:
    try:
        assert loads(dumps(loads(body))) == loads(body)
    except MalformedJson:
        with pytest.raises(ValueError):
            json.loads(body.decode("utf-8-sig"), parse_constant=lambda name: json.loads("{"))


@pytest.mark.property_test
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON, name=st.sampled_from(["username", "password"]))
def test_no_body_makes_a_login_fail_otherwise_than_foreseen(ask: Ask, alice: User, value: Any, name: str) -> None:
    for body in ([value], {"username": "alice", "password": PASSWORD, name: value}):
        answer = ask("post", "auth/login", body=body)
        assert answer.status_code in (400, 401) or value in ("alice", PASSWORD)


@pytest.mark.property_test
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.sampled_from(["rank", "birthdate", "is_archived", "student_id", "x"]), JSON))
def test_no_body_makes_a_change_of_a_cadet_fail_otherwise_than_foreseen(
    ask: Ask, alice: User, body: dict[str, Any]
) -> None:
    answer = ask("patch", f"cadets/{alice.cadet_id}", by=alice, body=body)
    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        assert set(told(answer)["details"]) <= set(body)


@pytest.mark.property_test
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page=st.text(), limit=st.text(), search=st.text())
def test_no_query_makes_a_list_fail_otherwise_than_foreseen(
    ask: Ask, bob: User, page: str, limit: str, search: str
) -> None:
    for query in ({"page": page, "limit": limit}, {"search": search, "company": page}):
        assert ask("get", "cadets", by=bob, query_params=query).status_code in (200, 400)
