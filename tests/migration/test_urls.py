"""Files that rows name: asked for on a loopback host, and compared with what the row says."""

from __future__ import annotations

import pytest

from migration.copy import copy
from migration.mappings import ROTC
from migration.urls import Asking, Urls
from migration.verify import verify
from tests.migration.people import run, told
from tests.migration.web import host

PLAIN = "'data:text/plain;base64,VGFuZ2xhdw=='"


def asked(node: str, django: str, *files: str, base: str = "", which: Urls = Urls.ALL) -> list[tuple[str, str | None]]:
    """Kind and column of what is said about files, given as `url, size, type`."""
    run(node, *(f"INSERT INTO files (filename, url, size, mime_type) VALUES ('f', {file})" for file in files))
    copy(node, django, ROTC)
    found = verify(node, django, ROTC, urls=Asking(which, base, 1000)).findings
    return [(kind, column) for _, kind, _, column in [*told(found), *told(found, notes=True)]]


def test_a_file_that_is_there_as_its_row_says_is_passed_over_in_silence(node: str, django: str) -> None:
    with host() as base:
        assert asked(node, django, f"'{base}/image/upload/doc%20ñ 1.pdf', 1048576, 'Application/PDF'",
                     f"'{base}/image/upload/x', NULL, NULL", "'', 5, NULL", "NULL, NULL, NULL",
                     f"{PLAIN}, 7, 'text/plain'") == []  # fmt: skip


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("'{base}/image/gone.pdf', NULL, NULL", "url"),
        ("'{base}/image/upload/x.pdf', 5, NULL", "url_size"),
        ("'{base}/image/upload/x.pdf', NULL, 'image/jpeg'", "url_type"),
        ("'http://127.0.0.1:1/x', NULL, NULL", "url"),
        ("'ftp://127.0.0.1/x', NULL, NULL", "url"),
        ("'no url at all', NULL, NULL", "url"),
        ("'http://[::1/x', NULL, NULL", "url"),
        (f"{PLAIN}, 8, NULL", "url_size"),
        (f"{PLAIN}, NULL, 'image/png'", "url_type"),
        ("'data:text/plain;base64,VGF', NULL, NULL", "url"),
    ],
)
def test_a_file_that_is_not_as_its_row_says_is_named(node: str, django: str, file: str, kind: str) -> None:
    with host() as base:
        assert asked(node, django, file.replace("{base}", base)) == [(kind, "url")]


def test_a_path_without_a_host_is_asked_for_where_it_was_said_to_be(node: str, django: str) -> None:
    with host() as base:
        assert asked(node, django, "'/image/upload/a', NULL, NULL", "'/uploads/a', NULL, NULL", base=base) == [
            ("url", "url")
        ]


def test_a_path_without_a_host_is_a_note_where_nobody_said_where_it_is(node: str, django: str) -> None:
    assert asked(node, django, "'/uploads/a', NULL, NULL") == [("url", "url")]
    assert verify(node, django, ROTC, urls=Asking(Urls.ALL)).ok


def test_a_sample_asks_for_fifty_and_none_for_none(node: str, django: str) -> None:
    files = ["'http://127.0.0.1:1/x', NULL, NULL"] * 60
    assert len(asked(node, django, *files, which=Urls.SAMPLE)) == 50
    assert verify(node, django, ROTC, urls=Asking(Urls.NONE)).findings == []
