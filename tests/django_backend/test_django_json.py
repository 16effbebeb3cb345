"""JSON as the legacy writes it, also where a column holds more than a double does."""

from __future__ import annotations

from typing import Any

import pytest

from common.json import dumps


@pytest.mark.parametrize(
    ("value", "written"),
    # The right-hand side is what `JSON.stringify(JSON.parse(text))` says in Node.
    [
        ({"n": 10**400}, b'{"n":null}'),
        ([-(10**400), 1], b"[null,1]"),
        ({"n": 10**30, "exact": 2**63}, b'{"n":1e+30,"exact":9223372036854775808}'),
        ({"n": (10**19 * 2, {"m": -(2**64)})}, b'{"n":[2e+19,{"m":-1.8446744073709552e+19}]}'),
    ],
)
def test_numbers_beyond_64_bits_are_what_a_double_makes_of_them(value: Any, written: bytes) -> None:
    assert dumps(value) == written


def test_an_identity_of_64_bits_keeps_all_its_digits() -> None:
    assert dumps({"size": 9223372036854775807}) == b'{"size":9223372036854775807}'


def test_what_is_no_json_at_all_is_still_a_fault() -> None:
    with pytest.raises(TypeError):
        dumps({"a": object()})
