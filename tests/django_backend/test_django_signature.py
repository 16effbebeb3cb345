"""The signature of a copy: what cutover signs is believed, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.copies.pins import pins_read
from common.copies.signature import FRESH_FOR_SECONDS, signed_id
from common.exceptions import InvalidInput
from shadow import signature

SECRET = b"secret"
IDS = st.from_regex(r"[A-Za-z0-9_.:-]{1,128}", fullmatch=True)
NOW = 1_700_000_000
WHOLE = {"method": "POST", "target": b"/api/v1/a?b=%C3%A9", "body": b"{}"}


def signed(**changes: object) -> str:
    return signature.sign(SECRET, **{**WHOLE, "id": "k", "at": NOW, **changes})  # type: ignore[arg-type]


@pytest.mark.property_test
@given(
    id=IDS, method=st.sampled_from(["GET", "POST"]), target=st.binary(), body=st.binary(), late=st.integers(-400, 400)
)
def test_what_cutover_signs_is_believed_while_it_is_fresh(
    id: str, method: str, target: bytes, body: bytes, late: int
) -> None:
    header = signature.sign(SECRET, method=method, target=target, body=body, id=id, at=NOW)
    found = signed_id(SECRET, header, method=method, target=target, body=body, now=NOW + late)
    assert found == (id if abs(late) <= FRESH_FOR_SECONDS else None)
    theirs = signature.verify(SECRET, header, method=method, target=target, body=body, now=NOW + late)
    assert found == theirs


@pytest.mark.parametrize(
    "changes", [{"method": "PUT"}, {"target": b"/api/v1/a"}, {"body": b"{ }"}, {"id": "l"}, {"at": NOW + 1}]
)
def test_a_signature_of_anything_else_is_not_believed(changes: dict[str, object]) -> None:
    other = signed(**changes).rpartition("v1=")[2]
    forged = signed().rpartition("v1=")[0] + "v1=" + other
    assert signed_id(SECRET, signed(), now=NOW, **WHOLE) == "k"  # type: ignore[arg-type]
    assert signed_id(SECRET, forged, now=NOW, **WHOLE) is None  # type: ignore[arg-type]
    assert signed_id(b"other", signed(), now=NOW, **WHOLE) is None  # type: ignore[arg-type]


@pytest.mark.property_test
@given(st.text())
def test_no_header_makes_the_check_fail_otherwise_than_foreseen(header: str) -> None:
    assert signed_id(SECRET, header, now=NOW, **WHOLE) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "header",
    [
        *("", "[]", "5", '"x"', "{", '{"now": "x"}', '{"now": "2024-08-05T01:00:00"}', '{"now": 5}', '{"actor": "7"}'),
        *('{"actor": true}', '{"ids": []}', '{"ids": {"a": 5}}', '{"ids": {"a": ["x"]}}', '{"ids": {"a": [1.5]}}'),
        *('{"urls": [5]}', '{"urls": 5}', "[" * 100_000),
    ],
)
def test_pins_that_cannot_be_understood_are_refused_whole(header: str) -> None:
    with pytest.raises(InvalidInput, match="X-Cutover-Pin"):
        pins_read(header)


def test_pins_are_taken_in_their_order_and_each_once() -> None:
    pins = pins_read(
        '{"ids": {"a": [1, 2], "b": ["4b0e0f7e-0000-4000-8000-000000000000"]}, "urls": ["/x"], "actor": null}'
    )
    assert [pins.next_id("a"), pins.next_id("a"), pins.next_id("a"), pins.next_id("c")] == [1, 2, None, None]
    assert str(pins.next_id("b")) == "4b0e0f7e-0000-4000-8000-000000000000"
    assert (pins.next_url(), pins.next_url(), pins.actor, pins.now) == ("/x", None, None, None)
