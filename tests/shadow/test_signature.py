from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.signature import FRESH_FOR, sign, verify

SECRET = b"a shared secret"
SIGNED = {"method": "GET", "target": b"/api/v1/cadets?page=2", "body": b""}


def test_the_signature_is_the_one_that_other_implementations_can_be_checked_against() -> None:
    assert sign(SECRET, id="x-1", at=1_770_000_000, **SIGNED) == (  # type: ignore[arg-type]
        "t=1770000000,id=x-1,v1=c6197df242981161d663eddf4f598d82bb3f6df156ee98f1e5c2059daeb1d24d"
    )


@pytest.mark.property_test
@given(
    method=st.sampled_from(["GET", "POST"]),
    target=st.binary(max_size=60),
    body=st.binary(max_size=60),
    id=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    late=st.integers(-FRESH_FOR, FRESH_FOR),
)
def test_what_was_signed_is_verified(method: str, target: bytes, body: bytes, id: str, late: int) -> None:
    header = sign(SECRET, method=method, target=target, body=body, id=id, at=1_000_000)
    assert verify(SECRET, header, method=method, target=target, body=body, now=1_000_000 + late) == id


@pytest.mark.parametrize(
    "change",
    [
        {"method": "POST"},
        {"target": b"/api/v1/cadets?page=3"},
        {"body": b"x"},
        {"secret": b"another secret"},
        {"now": 1_000.0 + FRESH_FOR + 1},
        {"now": 1_000.0 - FRESH_FOR - 1},
        {"header": ""},
        {"header": "t=1000,id=x-1,v1=" + "0" * 64},
        {"header": "t=1001,id=x-1"},
    ],
)
def test_anything_else_is_refused(change: dict[str, object]) -> None:
    header = sign(SECRET, id="x-1", at=1000, **SIGNED)  # type: ignore[arg-type]
    asked = {"secret": SECRET, "header": header, "now": 1000.0, **SIGNED, **change}
    assert verify(**asked) is None  # type: ignore[arg-type]


def test_another_id_under_the_same_code_is_refused() -> None:
    header = sign(SECRET, id="x-1", at=1000, **SIGNED).replace("x-1", "x-2")  # type: ignore[arg-type]
    assert verify(SECRET, header, now=1000, **SIGNED) is None  # type: ignore[arg-type]
