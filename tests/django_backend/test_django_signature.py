"""The signature of a copy: what cutover signs is believed, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
WHOLE: Any = {
    "purpose": "replay",
    "method": "POST",
    "target": b"/api/v1/a?b=%C3%A9",
    "body": b"{}",
    "pin": b'{"actor":7}',
}
VECTORS = json.loads((Path(__file__).parents[1] / "contracts" / "signatures.json").read_text())


def signed(**changes: object) -> str:
    return signature.sign(SECRET, **{**WHOLE, "id": "k", "at": NOW, **changes})


@pytest.mark.parametrize("vector", VECTORS["signed"], ids=lambda vector: vector["purpose"])
def test_the_vectors_of_the_signature_are_believed(vector: dict[str, Any]) -> None:
    asked = {name: vector[name].encode() for name in ("target", "body", "pin")}
    asked |= {name: vector[name] for name in ("purpose", "method")}
    assert signed_id(VECTORS["secret"].encode(), vector["header"], now=vector["at"], **asked) == vector["id"]


@pytest.mark.property_test
@given(
    id=IDS,
    purpose=st.sampled_from(["mirror", "replay"]),
    pin=st.binary(),
    method=st.sampled_from(["GET", "POST"]),
    target=st.binary(),
    body=st.binary(),
    late=st.integers(-400, 400),
)
def test_what_cutover_signs_is_believed_while_it_is_fresh(
    id: str, purpose: str, pin: bytes, method: str, target: bytes, body: bytes, late: int
) -> None:
    asked: Any = {"purpose": purpose, "pin": pin, "method": method, "target": target, "body": body}
    header = signature.sign(SECRET, id=id, at=NOW, **asked)
    found = signed_id(SECRET, header, now=NOW + late, **asked)
    assert found == (id if abs(late) <= FRESH_FOR_SECONDS else None)
    theirs = signature.verify(SECRET, header, now=NOW + late, **asked)
    assert found == theirs


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "PUT"},
        {"target": b"/api/v1/a"},
        {"body": b"{ }"},
        {"id": "l"},
        {"at": NOW + 1},
        {"purpose": "mirror"},
        {"pin": b'{"actor":8}'},
        {"pin": b""},
    ],
)
def test_a_signature_of_anything_else_is_not_believed(changes: dict[str, object]) -> None:
    other = signed(**changes).rpartition("v2=")[2]
    forged = signed().rpartition("v2=")[0] + "v2=" + other
    assert signed_id(SECRET, signed(), now=NOW, **WHOLE) == "k"
    assert signed_id(SECRET, forged, now=NOW, **WHOLE) is None
    assert signed_id(b"other", signed(), now=NOW, **WHOLE) is None


@pytest.mark.property_test
@given(st.text())
def test_no_header_makes_the_check_fail_otherwise_than_foreseen(header: str) -> None:
    assert signed_id(SECRET, header, now=NOW, **WHOLE) is None


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
