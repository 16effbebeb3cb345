"""Files: what is taken, where it is kept, how its URL reads, and who gets to see it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from apps.authentication.models import User
from apps.files.models import File
from common.content import fits, is_dangerous
from common.uploads import LARGEST_FILE, stored_file
from tests.django_backend.people import PAPER, PICTURE, Ask, picture, refusal, told

COLUMNS = ["id", "owner_id", "filename", "url", "public_id", "mime_type", "size", "metadata", "created_at"]
NOBODY = "00000000-0000-4000-8000-000000000000"
FORMS = [
    *("https://res.cloudinary.com/rotc/doc%201.pdf", "/uploads/doc.pdf", "/opt/render/uploads/doc.pdf"),
    *("data:text/plain;base64,c29tZSB0ZXh0", None, ""),
]


def paper(name: str = "note.txt", content: bytes = b"some text", kind: str = "text/plain") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, kind)


def content(answer: HttpResponse) -> bytes:
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def test_an_upload_is_kept_under_a_new_name_and_anybody_may_read_it(ask: Ask, alice: User, client: Client) -> None:
    answer = ask("post", "files/upload", by=alice, data={"file": picture("Peña.PNG")})
    row = told(answer)
    assert answer.status_code == 201 and list(row) == COLUMNS
    assert (row["owner_id"], row["filename"], row["size"]) == (alice.pk, "Peña.PNG", len(PICTURE))
    assert (row["mime_type"], row["public_id"], row["metadata"]) == ("image/png", None, None)
    assert row["url"].startswith("/uploads/") and row["url"].endswith(".PNG") and "Pe" not in row["url"]
    got = client.get(row["url"])
    assert (content(got), got["Content-Type"], got["X-Content-Type-Options"]) == (PICTURE, "image/png", "nosniff")
    assert got["Content-Disposition"].startswith("inline")
    assert told(ask("get", f"files/{row['id']}", by=alice)) == row


@pytest.mark.parametrize("word", ["false", "1", "TRUE", ""])
def test_an_embedded_file_is_its_own_url(ask: Ask, alice: User, uploads: Path, word: str) -> None:
    row = told(ask("post", "files/upload", by=alice, data={"file": paper(), "embed": "true"}))
    assert row["url"] == "data:text/plain;base64," + base64.b64encode(b"some text").decode()
    assert not uploads.exists()
    other = told(ask("post", "files/upload", by=alice, data={"file": paper(), "embed": word}))
    assert other["url"].startswith("/uploads/")


@pytest.mark.parametrize(
    ("written", "kept"),
    [('{"pages": 1.50, "tags": ["a"]}', {"pages": 1.5, "tags": ["a"]}), ("null", None), ("", None), ('["a"]', ["a"])],
)
def test_metadata_is_json(ask: Ask, alice: User, written: str, kept: Any) -> None:
    row = told(ask("post", "files/upload", by=alice, data={"file": paper(), "metadata": written}))
    assert row["metadata"] == kept
    # JSON null is SQL NULL.
    assert File.objects.filter(metadata__isnull=True).exists() == (kept is None)


@pytest.mark.parametrize("written", ["x", "{", '"\\u0000"', "[" * 200 + "]" * 200])
def test_metadata_that_cannot_be_kept_is_refused(ask: Ask, alice: User, uploads: Path, written: str) -> None:
    answer = ask("post", "files/upload", by=alice, data={"file": paper(), "metadata": written})
    assert refusal(answer)[0] == 400
    assert not File.objects.exists() and not uploads.exists()


def test_without_a_file_there_is_nothing_to_keep(ask: Ask, alice: User) -> None:
    for rest in ({"data": {"embed": "true"}}, {"body": {"file": "x"}}):
        assert refusal(ask("post", "files/upload", by=alice, **rest)) == (400, "No file uploaded")
    two = {"file": [paper(), paper()]}
    assert refusal(ask("post", "files/upload", by=alice, data=two)) == (400, "Unexpected file")


def test_a_file_may_hold_ten_mebibytes_or_nothing_and_no_more(ask: Ask, alice: User) -> None:
    for size, status in [(0, 201), (LARGEST_FILE, 201), (LARGEST_FILE + 1, 413)]:
        answer = ask("post", "files/upload", by=alice, data={"file": paper(content=b"x" * size)})
        assert answer.status_code == status
    assert refusal(answer) == (413, "File too large")


@pytest.mark.parametrize(
    ("bytes_sent", "claimed"),
    [
        (b"MZ\x90\0\x03", "text/plain"),
        (b"\x7fELF\x02", "application/octet-stream"),
        (b"#!/bin/sh\nrm", "text/plain"),
        (b"<!DOCTYPE html><p>", "text/plain"),
        (b"\n <HTML>", "text/html"),
        (b'<?xml version="1.0"?><svg onload="x">', "image/svg+xml"),
        (b"hello <script>", "text/csv"),
        (b"not a picture", "image/jpeg"),
        (b"not a paper", "application/pdf"),
        (PICTURE, "application/pdf"),
    ],
)
def test_bytes_that_would_run_or_are_not_what_they_claim_are_refused(
    ask: Ask, alice: User, uploads: Path, bytes_sent: bytes, claimed: str
) -> None:
    answer = ask("post", "files/upload", by=alice, data={"file": paper("x.png", bytes_sent, claimed)})
    assert refusal(answer)[0] == 415 and told(answer)["code"] == "UNSUPPORTED_FILE"
    assert not File.objects.exists() and not uploads.exists()


@pytest.mark.parametrize(
    ("head", "claimed"),
    [
        *(
            (PICTURE, "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"GIF89a", "image/gif"),
            (PAPER, "application/pdf"),
        ),
        *((b"RIFF1234WEBPVP8", "image/webp"), (b"\0\0\0\x18ftypheic", "image/heic"), (b"BM..", "image/bmp")),
        *((b"MZ is how a letter may begin", "text/plain"), (b"", "text/plain"), (b"PK\x03\x04", "application/zip")),
    ],
)
def test_what_is_what_it_says_is_taken(head: bytes, claimed: str) -> None:
    assert fits(head, claimed) and not is_dangerous(head)


@pytest.mark.parametrize("url", FORMS)
def test_every_form_of_url_is_shown_as_it_is_stored(ask: Ask, alice: User, url: str | None) -> None:
    File.objects.create(owner=alice, filename="f", url=url, size=2**40)
    row = told(ask("get", "files", by=alice))["data"][0]
    assert (row["url"], row["size"]) == (url, 2**40)


def test_lists_are_newest_first_and_users_see_their_own(ask: Ask, alice: User, charlie: User, bob: User) -> None:
    for name, owner, when in [("a", alice, "2024-01-01"), ("b", charlie, "2024-01-02"), ("c", alice, None)]:
        made = when and f"{when}T00:00:00Z"
        File.objects.create(owner=owner, filename=name, created_at=made)

    def names(by: User) -> list[str]:
        return [row["filename"] for row in told(ask("get", "files", by=by))["data"]]

    assert names(bob) == ["c", "b", "a"]
    assert names(alice) == ["c", "a"] and names(charlie) == ["b"]


def test_a_file_is_for_staff_and_its_owner(ask: Ask, alice: User, charlie: User, bob: User, uploads: Path) -> None:
    row = told(ask("post", "files/upload", by=alice, data={"file": paper()}))
    path = f"files/{row['id']}"
    for method in ("get", "delete"):
        assert refusal(ask(method, path, by=charlie)) == (403, "Access denied")
        assert refusal(ask(method, f"files/{NOBODY}", by=alice)) == (404, "File not found")
        assert refusal(ask(method, "files/x", by=alice))[0] == 400
    assert ask("get", path, by=bob).status_code == 200
    assert told(ask("delete", path, by=alice)) == {"message": "File deleted"}
    assert not File.objects.exists() and len(list(uploads.iterdir())) == 1


@pytest.mark.parametrize("name", ["none.png", "..", ".hidden", "%2e%2e%2fsecret", "a%5c..%5csecret", "%00", "sub/file"])
def test_no_name_leads_out_of_the_directory(client: Client, uploads: Path, name: str) -> None:
    uploads.mkdir()
    (uploads.parent / "secret").write_text("secret")
    (uploads / ".hidden").write_text("secret")
    assert refusal(client.get(f"/uploads/{name}")) == (404, "Not found")


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        *(("a.html", "text/html; charset=utf-8", False), ("a.svg", "image/svg+xml", False)),
        *(("a.txt", "text/plain; charset=utf-8", True), ("a.pdf", "application/pdf", True), ("a", None, False)),
    ],
)
def test_an_old_page_is_offered_for_saving_and_not_shown(
    client: Client, uploads: Path, name: str, kind: str | None, shown: bool
) -> None:
    uploads.mkdir()
    (uploads / name).write_text("<script>")
    got = client.get(f"/UPLOADS/{name}")
    assert content(got) == b"<script>"
    assert got["Content-Type"] == (kind or "application/octet-stream")
    assert got["Content-Disposition"].startswith("inline" if shown else "attachment")


@pytest.mark.property_test
@given(url=st.text(), place=st.sampled_from(["", "/uploads/", "../", "C:\\", "/opt/x/"]))
def test_no_url_leads_out_of_the_directory(url: str, place: str) -> None:
    found = stored_file(place + url)
    assert found is None or found.parent.name.startswith("uploads")
