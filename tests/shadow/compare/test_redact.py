from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.compare.redact import REDACTED, Redactor
from shadow.compare.summary import example_of
from shadow.compare.walk import Difference, Kind
from shadow.settings import CompareSettings
from shadow.testing import an_answer, an_exchange

REDACT = Redactor(CompareSettings().redact)
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZCI6NTcsInJvbGUiOiJjYWRldCJ9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r"
SECRETS = st.from_regex(r"s3cr[A-Za-z0-9]{12}", fullmatch=True)
NAMES = st.sampled_from(["password", "newPassword", "ACCESS_TOKEN", "api-key", "apiKey", "Set-Cookie", "clientSecret"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"password": "x", "name": "Alice"}, {"password": REDACTED, "name": "Alice"}),
        ({"user": [{"apiKey": {"deep": 1}}]}, {"user": [{"apiKey": REDACTED}]}),
        ({"pin": None, "token": None}, {"pin": None, "token": REDACTED}),
        (f"see {JWT}!", f"see {REDACTED}!"),
        ({JWT: 1}, {REDACTED: 1}),
        ("Bearer abc.def", REDACTED),
        ("Authorization: Basic QWxpY2U6eA==", f"Authorization:{REDACTED}"),
        ("a=1&password=x&b=2", f"a=1&password={REDACTED}&b=2"),
        ("nothing to hide", "nothing to hide"),
        (12.5, 12.5),
    ],
)
def test_secrets_are_replaced_and_nothing_else(value: Any, expected: Any) -> None:
    assert REDACT.value(value) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/api/v1/cadets?page=2&search=Al%20ice", "/api/v1/cadets?page=2&search=Al%20ice"),
        (b"/ws?token=abc&x=1", f"/ws?token={REDACTED}&x=1"),
        (b"/ws?t%6Fken=abc", f"/ws?t%6Fken={REDACTED}"),
        (f"/reset/{JWT}".encode(), f"/reset/{REDACTED}"),
        (f"/x?next={quote(JWT, safe='')}".encode(), f"/x?next={REDACTED}"),
        (b"/\xff?\xfe", "/\xff?\xfe"),
    ],
)
def test_targets_keep_everything_but_secrets(target: bytes, expected: str) -> None:
    assert REDACT.target(target) == expected


@pytest.mark.property_test
@given(
    secret=SECRETS,
    name=NAMES,
    wrap=st.lists(st.one_of(st.just("list"), st.text(max_size=5)), max_size=5),
    text=st.text(max_size=20),
)
def test_no_secret_of_an_exchange_reaches_what_is_stored(secret: str, name: str, wrap: list[str], text: str) -> None:
    value: Any = {name: secret, "note": f"{text}\n{name}={secret}\n{name}: {secret}", "auth": f"Bearer {secret}"}
    for layer in wrap:
        value = [value] if layer == "list" else {layer: value, "again": orjson.dumps({name: secret}).decode()}
    body = orjson.dumps(value)
    exchange = an_exchange(
        target=f"/x?{name}={secret}&u=1".encode(), headers=((name.encode(), secret.encode()),), body=body
    )
    for answers in (an_answer(body), an_answer(body[:-1]), an_answer(b"<p>" + body, media="text/html")):
        difference = Difference("$.a", "$.a", Kind.VALUE, value, {name: [secret]})
        example = example_of(exchange, difference, answers, answers, REDACT)
        assert secret not in repr(example)


@pytest.mark.property_test
@given(SECRETS, NAMES)
def test_a_value_below_a_secret_name_is_redacted_as_a_whole(secret: str, name: str) -> None:
    assert REDACT.at(f"$.user['{name}'].value", secret) == REDACTED
    assert REDACT.at("$.user.value", secret) == secret


@pytest.mark.property_test
@given(st.binary(max_size=300))
def test_any_body_at_all_can_be_redacted(body: bytes) -> None:
    assert "\0" not in REDACT.body(body)


def test_large_bodies_are_redacted_before_they_are_cut() -> None:
    body = orjson.dumps({"a": "x" * 3_990, "b": JWT, "c": "y" * 10_000})
    excerpt = REDACT.body(body)
    assert len(excerpt) < 4_100
    assert "eyJ" not in excerpt


def test_without_configured_names_tokens_are_still_removed() -> None:
    assert Redactor([]).value({"password": "x", "t": JWT}) == {"password": "x", "t": REDACTED}


def test_a_body_nested_to_the_limit_of_the_parser_can_be_redacted() -> None:
    assert "nested too deeply" in REDACT.body(b"[" * 1000 + b"]" * 1000)
