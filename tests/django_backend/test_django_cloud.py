"""Files at Cloudinary: the real SDK against a server on this machine that speaks its API, also badly."""

from __future__ import annotations

import io
import json
import urllib.request
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from apps.authentication.models import User
from apps.files.models import File
from apps.reports.models import Report
from apps.reports.pdf import pdf_bytes
from apps.reports.tasks import generate_report
from common.cloud import cloud_is_set
from tests.django_backend.cloud import KEY, NAME, SECRET, Cloud, cloud_running
from tests.django_backend.people import PICTURE, Ask, cadet, copy_headers, form, picture, refusal, told

SECRETS = (KEY, SECRET)


@pytest.fixture
def cloud(settings: Any, uploads: Any) -> Iterator[Cloud]:
    """Cloudinary, as Django knows it."""
    settings.CLOUDINARY_CLOUD_NAME, settings.CLOUDINARY_API_KEY, settings.CLOUDINARY_API_SECRET = NAME, KEY, SECRET
    settings.CLOUDINARY_TIMEOUT = 5
    with cloud_running() as running:
        settings.CLOUDINARY_UPLOAD_PREFIX = running.url
        yield running
        # Nothing is kept in two places.
        assert not uploads.exists()


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        content: bytes = answer.read()
        return content


def test_a_picture_is_kept_in_the_cloud_under_a_name_of_its_own(ask: Ask, alice: User, cloud: Cloud) -> None:
    row = told(ask("post", "files/upload", by=alice, data={"file": picture("Peña.PNG")}))
    assert row["url"].startswith(f"{cloud.url}/rotc/image/upload/") and "Pe" not in row["url"]
    assert row["url"].endswith(row["public_id"]) and (row["filename"], row["size"]) == ("Peña.PNG", len(PICTURE))
    assert cloud.asked == ["/v1_1/rotc/image/upload"] and fetched(row["url"]) == PICTURE


@pytest.mark.parametrize("content", [b"%PDF-1.4 and so on", b"", b"a,b\r\n"])
def test_what_is_no_picture_is_kept_as_it_is(ask: Ask, alice: User, cloud: Cloud, content: bytes) -> None:
    file = SimpleUploadedFile("paper.pdf", content, "application/octet-stream")
    row = told(ask("post", "files/upload", by=alice, data={"file": file}))
    assert cloud.asked == ["/v1_1/rotc/raw/upload"] and row["url"].endswith(".pdf") and fetched(row["url"]) == content


def test_every_other_upload_and_report_is_kept_there_too(ask: Ask, bob: User, cloud: Cloud) -> None:
    row = told(ask("post", "activities", by=bob, data={"title": "x", "images": [picture(), picture("b.png")]}))
    assert [fetched(url) for url in json.loads(row["images"])] == [PICTURE, PICTURE]
    fields = {"cadetId": str(cadet("1").pk), "dateAbsent": "2024-08-05", "file": picture()}
    assert fetched(told(ask("post", "attendance/excuse-letters", by=bob, data=fields))["file_url"]) == PICTURE
    report = Report.objects.create(type="merits", requested_by=bob)
    assert generate_report.apply(args=[str(report.pk)]).get() == "success"
    assert fetched(str(File.objects.get(pk=Report.objects.get(pk=report.pk).file_id).url)).startswith(b"student_id")


def test_an_embedded_file_and_a_copy_reach_no_cloud(ask: Ask, bob: User, copy: Any, cloud: Cloud) -> None:
    ask("post", "files/upload", by=bob, data={"file": picture(), "embed": "true"})
    raw = form({"file": picture()})["data"]
    headers = copy_headers("replay", "post", "/api/v1/files/upload", raw, "k")
    answer = ask("post", "files/upload", by=bob, headers=headers, data={"file": picture()})
    assert answer.status_code == 201 and cloud.asked == []


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        ((400, b'{"error": {"message": "Invalid image file"}}'), 400, "File upload failed: Invalid image file"),
        ((401, b'{"error": {"message": "a-secret"}}'), 503, "File upload failed: the store does not know us"),
        ((403, b'{"error": {"message": "deny"}}'), 503, "File upload failed: the store does not let us in"),
        ((420, b'{"error": {"message": "slow"}}'), 503, "File upload failed: the store takes no more for now"),
        ((500, b'{"error": {"message": "a-secret"}}'), 503, "File upload failed: the store cannot be reached"),
        ((502, b"<html>Bad Gateway a-secret</html>"), 503, "File upload failed: the store cannot be reached"),
        ((200, b"{}"), 503, "File upload failed: the store cannot be reached"),
        ((200, b""), 503, "File upload failed: the store cannot be reached"),
        ((None, b""), 503, "File upload failed: the store cannot be reached"),
    ],
)  # fmt: skip
def test_a_cloud_that_refuses_or_breaks_is_told_in_words_and_leaves_nothing(
    ask: Ask, alice: User, cloud: Cloud, settings: Any, answer: Any, status: int, message: str
) -> None:
    settings.CLOUDINARY_TIMEOUT = 1
    cloud.answer = answer
    refused = ask("post", "files/upload", by=alice, data={"file": picture()})
    assert refusal(refused) == (status, message)
    assert not any(secret.encode() in refused.content for secret in SECRETS)
    assert refused.get("Retry-After") == ("1" if status == 503 else None)
    # Sent once: what became of it is not known, and a second one would be another file.
    assert len(cloud.asked) == 1 and cloud.silent == (answer[0] is None) and not File.objects.exists()


def test_a_cloud_that_is_not_there_is_a_failure_and_not_a_file_on_the_disk(
    ask: Ask, alice: User, cloud: Cloud, settings: Any
) -> None:
    settings.CLOUDINARY_UPLOAD_PREFIX = "http://127.0.0.1:1"
    refused = refusal(ask("post", "files/upload", by=alice, data={"file": picture()}))
    assert refused == (503, "File upload failed: the store cannot be reached")


@pytest.mark.parametrize("missing", ["CLOUD_NAME", "API_KEY", "API_SECRET"])
def test_half_of_the_credentials_are_as_good_as_none(cloud: Cloud, settings: Any, missing: str) -> None:
    assert cloud_is_set()
    setattr(settings, f"CLOUDINARY_{missing}", "")
    assert not cloud_is_set()


@st.composite
def pictures(draw: st.DrawFn) -> tuple[str, str, bytes]:
    """Any picture of a kind that browsers send: its name, its type, its bytes."""
    kind = draw(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP"]))
    size = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    image = Image.new("RGB", size, draw(st.tuples(*[st.integers(0, 255)] * 3)))
    out = io.BytesIO()
    image.save(out, kind)
    return f"p.{kind.lower()}", f"image/{kind.lower()}", out.getvalue()


def _archive(text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", text)
    return out.getvalue()


LETTERS = st.text("abc ñé日,.\r\n", max_size=60)
DOCUMENTS = (
    LETTERS.map(lambda text: ("d.txt", "text/plain", text.encode()))
    | LETTERS.map(lambda text: ("d.csv", "text/csv", text.encode()))
    | LETTERS.map(lambda text: ("d.docx", "application/octet-stream", _archive(text)))
    | st.lists(LETTERS, min_size=1, max_size=3).map(lambda line: ("d.pdf", "application/pdf", pdf_bytes([[*line]])))
)


@pytest.mark.property_test
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(upload=pictures() | DOCUMENTS)
def test_property_15_upload(ask: Ask, alice: User, cloud: Cloud, upload: tuple[str, str, bytes]) -> None:
    """Feature: django-backend-activation, Property 15: Upload"""
    name, kind, content = upload
    answer = ask("post", "files/upload", by=alice, data={"file": SimpleUploadedFile(name, content, kind)})
    row = told(answer)
    assert answer.status_code == 201 and (row["filename"], row["size"]) == (name, len(content))
    assert fetched(row["url"]) == content and row["url"] == f"{cloud.url}/{row['url'].split('/', 3)[3]}"
    assert told(ask("get", f"files/{row['id']}", by=alice)) == row
