"""The import of a spreadsheet: what a cell becomes, and that half an import never stays behind."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from apps.authentication.models import User
from apps.cadets.columns import WRITABLE
from apps.cadets.models import Cadet
from common.spreadsheets import spreadsheet_rows
from tests.django_backend.people import Ask, cadet, refusal, told

HEADER = "first_name,last_name,student_id"
CELLS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"))


def imported(ask: Ask, by: User, content: str | bytes) -> HttpResponse:
    """What the backend says to this spreadsheet."""
    raw = content if isinstance(content, bytes) else content.encode()
    return ask("post", "cadets/import", by=by, data={"file": SimpleUploadedFile("cadets.csv", raw)})


def test_every_line_becomes_a_cadet(ask: Ask, carol: User) -> None:
    content = f'\ufeff{HEADER}, birthdate ,is_archived,junk\r\nA,"B, ""C""",1,4/5/2003,t,x\r\n\r\n,,\nD,"E\nF",2,,\n'
    assert told(imported(ask, carol, content)) == {"imported": 2}
    one, two = Cadet.objects.order_by("student_id").values()
    assert (one["first_name"], one["last_name"], str(one["birthdate"])) == ("A", 'B, "C"', "2003-04-05")
    assert (one["is_archived"], two["is_archived"]) == (True, None)
    assert (two["last_name"], two["birthdate"], two["status"]) == ("E\nF", None, "Ongoing")
    assert one["created_at"] == one["updated_at"] == two["created_at"]


@pytest.mark.parametrize(
    ("bad_line", "status"),
    [
        ("A,B,taken", 409),
        ("A,B,1", 409),
        ("A,B,", 400),
        ("A,B,2,2003-02-30", 400),
        ("A,B,2\0", 400),
    ],
)
def test_one_bad_line_leaves_nothing_behind(ask: Ask, carol: User, bad_line: str, status: int) -> None:
    cadet("taken")
    assert refusal(imported(ask, carol, f"{HEADER},birthdate\nA,B,1\n{bad_line}\n"))[0] == status
    assert Cadet.objects.count() == 1


@pytest.mark.parametrize("content", ["", "\n", HEADER, f"{HEADER}\n\n\n"])
def test_a_spreadsheet_without_lines_imports_nobody(ask: Ask, carol: User, content: str) -> None:
    # An upload of no bytes at all is no upload to Django; a line end makes it one.
    assert told(imported(ask, carol, content or "\n")) == {"imported": 0}


def test_bytes_that_are_not_utf_8_are_replaced(ask: Ask, carol: User) -> None:
    assert told(imported(ask, carol, f"{HEADER}\nPe".encode() + b"\xf1a,B,1\n")) == {"imported": 1}
    assert Cadet.objects.get().first_name == "Pe\ufffda"


def test_without_a_file_there_is_nothing_to_import(ask: Ask, carol: User) -> None:
    for answer in (
        ask("post", "cadets/import", by=carol),
        ask("post", "cadets/import", by=carol, body={"file": "x"}),
        ask("post", "cadets/import", by=carol, data={"other": SimpleUploadedFile("x", b"x")}),
    ):
        assert refusal(answer) == (400, "No file uploaded")


def test_a_form_that_is_damaged_is_refused(ask: Ask, carol: User) -> None:
    answer = ask("post", "cadets/import", by=carol, data=b"xx", content_type="multipart/form-data")
    assert refusal(answer)[0] == 400


def test_an_import_of_many_is_a_few_statements(
    ask: Ask, carol: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    lines = "\n".join(f"A,B,{number}" for number in range(400))
    with django_assert_max_num_queries(6):
        assert told(imported(ask, carol, f"{HEADER}\n{lines}")) == {"imported": 400}


@pytest.mark.property_test
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3)))
def test_what_a_spreadsheet_program_writes_is_read_back(lines: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written).writerows([HEADER.split(","), *lines])
    expected = [
        {name: cell for name, cell in zip(HEADER.split(","), line, strict=True) if cell} for line in lines if any(line)
    ]
    assert spreadsheet_rows(written.getvalue().encode(), WRITABLE) == expected
