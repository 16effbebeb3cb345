"""The signature of a copy. The vectors are those that any other implementation can be checked against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.signature import FRESH_FOR, sign, verify

SECRET = b"a shared secret"
SIGNED: Any = {
    "purpose": "replay",
    "method": "GET",
    "target": b"/api/v1/cadets?page=2",
    "body": b"",
    "pin": b'{"actor":7}',
}
VECTORS = json.loads((Path(__file__).parents[1] / "contracts" / "signatures.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["signed"], ids=lambda vector: vector["purpose"])
def test_the_signature_is_the_one_that_other_implementations_can_be_checked_against(vector: dict[str, Any]) -> None:
    asked = {name: vector[name].encode() for name in ("target", "body", "pin")}
    asked |= {name: vector[name] for name in ("purpose", "method", "id", "at")}
    assert sign(VECTORS["secret"].encode(), **asked) == vector["header"]


@pytest.mark.property_test
@given(
    purpose=st.sampled_from(["mirror", "replay"]),
    pin=st.binary(max_size=60),
    method=st.sampled_from(["GET", "POST"]),
    target=st.binary(max_size=60),
    body=st.binary(max_size=60),
    id=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    late=st.integers(-FRESH_FOR, FRESH_FOR),
)
def test_what_was_signed_is_verified(
    purpose: str, pin: bytes, method: str, target: bytes, body: bytes, id: str, late: int
) -> None:
    signed: Any = {"purpose": purpose, "method": method, "target": target, "body": body, "pin": pin}
    header = sign(SECRET, id=id, at=1_000_000, **signed)
    assert verify(SECRET, header, now=1_000_000 + late, **signed) == id


@pytest.mark.parametrize(
    "change",
    [
        {"method": "POST"},
        {"target": b"/api/v1/cadets?page=3"},
        {"body": b"x"},
        {"purpose": "mirror"},
        {"pin": b'{"actor":8}'},
        {"pin": b""},
        {"secret": b"another secret"},
        {"now": 1_000.0 + FRESH_FOR + 1},
        {"now": 1_000.0 - FRESH_FOR - 1},
        {"header": ""},
        {"header": "t=1000,id=x-1,v2=" + "0" * 64},
        {"header": "t=1001,id=x-1"},
    ],
)
def test_anything_else_is_refused(change: dict[str, object]) -> None:
    header = sign(SECRET, id="x-1", at=1000, **SIGNED)
    asked = {"secret": SECRET, "header": header, "now": 1000.0, **SIGNED, **change}
    assert verify(**asked) is None


def test_another_id_under_the_same_code_is_refused() -> None:
    header = sign(SECRET, id="x-1", at=1000, **SIGNED).replace("x-1", "x-2")
    assert verify(SECRET, header, now=1000, **SIGNED) is None
