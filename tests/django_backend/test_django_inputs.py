"""What clients send and what becomes of it: as JavaScript and PostgreSQL have it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from common.inputs import day, flag, json_object, json_value, number_text, storable, text, whole_number


@pytest.mark.parametrize(
    ("number", "written"),
    # The right-hand side is what `String(number)` says in Node.
    [
        (20.0, "20"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e-7, "1.5e-7"),
        (5e-324, "5e-324"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (9007199254740993, "9007199254740992"),
        (12345678901234567890, "12345678901234567000"),
    ],
)
def test_a_number_in_a_text_column_reads_as_javascript_writes_it(number: float, written: str) -> None:
    assert number_text(number) == text(number) == written


def test_other_values_in_a_text_column() -> None:
    assert (text(True), text(False), text(None), text("")) == ("true", "false", None, "")
    for refused in ([], {}, "a\0", 10**400, float("inf")):
        with pytest.raises(ValueError):
            text(refused)


@pytest.mark.parametrize(
    ("given_day", "found"),
    [
        ("2003-04-05", date(2003, 4, 5)),
        ("2003-04-05T16:00:00.000Z", date(2003, 4, 5)),
        ("2003/04/05", date(2003, 4, 5)),
        ("4/5/2003", date(2003, 4, 5)),
        (None, None),
    ],
)
def test_a_date_is_read_in_the_forms_that_occur(given_day: Any, found: date | None) -> None:
    assert day(given_day) == found


@pytest.mark.parametrize("refused", ["", "2003-02-30", "yesterday", "20030405", 5, True, [], "2003-04-05x"])
def test_what_is_no_date_is_refused(refused: Any) -> None:
    with pytest.raises(ValueError):
        day(refused)


@pytest.mark.parametrize(
    "word", ["t", "TRUE", " yes ", "on", "1", "f", "No", "off", "of", "0", "", "o", "2", "maybe", "truee", "10"]
)
def test_a_word_is_true_or_false_exactly_if_postgresql_says_so(db: None, word: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_input_is_valid(%s, 'boolean')", [word])
        known = cursor.fetchone()[0]
        if known:
            cursor.execute("SELECT %s::boolean", [word])
            assert flag(word) is cursor.fetchone()[0]
        else:
            with pytest.raises(ValueError):
                flag(word)


@pytest.mark.parametrize(("given_id", "found"), [(7, 7), ("7", 7), (7.0, 7), (" 7 ", 7), (-(2**31), -(2**31))])
def test_an_integer_is_a_number_or_its_digits(given_id: Any, found: int) -> None:
    assert whole_number(given_id) == found


@pytest.mark.parametrize("refused", [True, None, "", "7a", 7.5, "٣", 2**31, "9" * 5000, [], float("nan")])
def test_what_is_no_integer_of_32_bits_is_refused(refused: Any) -> None:
    with pytest.raises(ValueError):
        whole_number(refused)


@pytest.mark.property_test
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_being_a_text(number: float) -> None:
    written = number_text(number)
    assert float(written) == number
    assert not written.endswith(".0") and "e0" not in written and "e-0" not in written


@pytest.mark.property_test
@given(st.text(alphabet=st.characters(exclude_characters="\0")))
def test_a_storable_text_is_unicode_and_stays_as_it_is(value: str) -> None:
    stored = storable(value)
    assert storable(stored) == stored
    assert stored.encode() == value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


@pytest.mark.property_test
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")))
def test_a_text_that_is_unicode_is_stored_as_it_is(value: str) -> None:
    assert text(value) == value


@pytest.mark.property_test
@given(st.integers(-(2**31), 2**31 - 1))
def test_every_id_is_read_from_its_digits(number: int) -> None:
    assert whole_number(str(number)) == whole_number(number) == number


@pytest.mark.parametrize(
    ("number", "kept"),
    # The right-hand side is what `JSON.parse` and `JSON.stringify` make of it in Node.
    [
        (2**53, 2**53),
        (2**53 + 1, 2**53),
        (2**64, 2.0**64),
        (10**400, None),
        (float("inf"), None),
        (20.0, 20),
        (0.5, 0.5),
    ],
)
def test_a_number_in_json_is_what_a_double_makes_of_it(number: float, kept: float | None) -> None:
    found = json_value({"n": [number]})["n"][0]
    assert (found, type(found)) == (kept, type(kept))


def test_json_is_stored_as_unicode_and_not_without_end() -> None:
    assert json_value({"a\ud800": ["b\ud800", True, None]}) == {"a\ufffd": ["b\ufffd", True, None]}
    endless: Any = []
    for _ in range(101):
        endless = [endless]
    with pytest.raises(ValueError, match="nested too deeply"):
        json_value(endless)


def test_an_object_is_an_object_or_nothing() -> None:
    assert (json_object(None), json_object({"a": 1})) == (None, {"a": 1})
    for refused in ([], "a", 5, False):
        with pytest.raises(ValueError, match="must be an object"):
            json_object(refused)
