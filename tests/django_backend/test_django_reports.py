"""Reports: ordered now, made later, and downloaded as the file they became."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.attendance.models import Attendance, TrainingDay
from apps.authentication.models import User
from apps.files.models import File
from apps.grading.models import MeritDemeritLog
from apps.messaging.models import Notification
from apps.reports.csv_text import csv_bytes
from apps.reports.models import Report
from apps.reports.pdf import pdf_bytes
from apps.reports.tasks import generate_report
from common.jobs.queue import threads
from common.uploads import stored_file
from tests.django_backend.people import Ask, cadet, grade, refusal, told

NOBODY = "00000000-0000-4000-8000-000000000000"


def content(answer: HttpResponse) -> bytes:
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


@pytest.fixture
def corps(db: None) -> None:
    """Three cadets of whom one is archived, a day, and some points."""
    one = cadet("1", last_name="Peña, Jr.", first_name='"Jo"', company="Alpha")
    cadet("2", last_name="Abad", company=None)
    cadet("3", is_archived=True)
    Attendance.objects.create(training_day=TrainingDay.objects.create(date="x", title="y"), cadet=one, status="present")
    MeritDemeritLog.objects.create(cadet=one, type="demerit", points=10)
    grade(one, "90", term="prelim")
    grade(one, "80.5", term="final", status="T")


def made(by: User, **columns: Any) -> Report:
    report = Report.objects.create(requested_by=by, **columns)
    # As a worker would, except that it is tried again at once.
    generate_report.apply(args=[str(report.pk)])
    report.refresh_from_db()
    return report


def test_an_order_is_answered_at_once_and_started_when_it_is_committed(
    ask: Ask, bob: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks() as started:
        answer = ask("post", "reports", by=bob, body={"type": "grades", "params": {"format": "pdf", "n": 1.0}})
    row = told(answer)
    assert answer.status_code == 202 and len(started) == 1
    assert list(row) == [
        *("id", "type", "status", "params", "file_id", "requested_by", "created_at", "completed_at"),
    ]
    assert (row["status"], row["file_id"], row["requested_by"]) == ("pending", None, bob.pk)
    assert row["params"] == {"format": "pdf", "n": 1}
    assert told(ask("get", f"reports/{row['id']}", by=bob)) == row


@pytest.mark.parametrize("body", [{}, {"type": ""}, {"type": "grades", "params": [1]}, {"type": "a", "params": "x"}])
def test_an_order_that_makes_no_sense_is_refused(ask: Ask, bob: User, body: dict[str, Any]) -> None:
    assert refusal(ask("post", "reports", by=bob, body=body))[0] == 400
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("type", "lines"),
    [
        (
            "grades",
            [
                "student_id,last_name,first_name,company,attendance,aptitude,subject,final,transmuted",
                "2,Abad,Ana,,0,30,0,30,5.00",
                '1,"Peña, Jr.","""Jo""",Alpha,30,27,22.733333333333334,79.73333333333333,T',
            ],
        ),
        (
            "attendance",
            [
                "student_id,last_name,first_name,company,present,late,absent,excused",
                "2,Abad,Ana,,0,0,0,0",
                '1,"Peña, Jr.","""Jo""",Alpha,1,0,0,0',
            ],
        ),
        (
            "merits",
            [
                "student_id,last_name,first_name,company,merits,demerits,aptitude",
                "2,Abad,Ana,,0,0,30",
                '1,"Peña, Jr.","""Jo""",Alpha,0,10,27',
            ],
        ),
    ],
)
def test_a_report_becomes_a_file_and_a_notification(
    ask: Ask, bob: User, corps: None, uploads: Path, type: str, lines: list[str]
) -> None:
    report = made(bob, type=type)
    assert report.status == "completed" and report.completed_at is not None and report.file is not None
    file = report.file
    assert (file.owner_id, file.filename, file.mime_type) == (bob.pk, f"{type}-report.csv", "text/csv")
    assert Notification.objects.values_list("user_id", "type", "message").get() == (
        *(bob.pk, "report", f"Report ready: {type}"),
    )
    got = ask("get", f"reports/{report.pk}/download", by=bob)
    assert content(got).decode() == "".join(f"{line}\r\n" for line in lines)
    assert got["Content-Type"] == "text/csv; charset=utf-8"
    assert got["Content-Disposition"] == f'attachment; filename="{type}-report.csv"'
    assert len(list(uploads.iterdir())) == 1


@pytest.mark.parametrize(
    ("params", "expected"), [({"company": "Alpha"}, 1), ({"company": ""}, 2), ({"company": "x"}, 0)]
)
def test_a_report_may_be_of_one_company(bob: User, corps: None, params: dict[str, Any], expected: int) -> None:
    report = made(bob, type="merits", params=params)
    assert report.file is not None and report.file.url is not None
    assert report.status == "completed"
    path = stored_file(report.file.url)
    assert path is not None and len(path.read_text().splitlines()) == expected + 1


def test_a_pdf_shows_the_same_lines(ask: Ask, bob: User, corps: None) -> None:
    report = made(bob, type="grades", params={"format": "pdf"})
    got = ask("get", f"reports/{report.pk}/download", by=bob)
    assert got["Content-Type"] == "application/pdf"
    assert content(got).startswith(b"%PDF-")


def test_a_pdf_has_a_page_for_48_lines_and_survives_any_letters() -> None:
    pages = pdf_bytes([["ñ", "日本", None, 20.0, "(\\)"]] * 49)
    assert len(re.findall(rb"/Type /Page\b", pages)) == 2
    assert pages.rstrip().endswith(b"%%EOF")


@pytest.mark.parametrize("type", ["nonsense", "Grades"])
def test_a_type_that_nobody_knows_fails(ask: Ask, bob: User, type: str) -> None:
    report = made(bob, type=type)
    assert (report.status, report.file_id, report.completed_at) == ("failed", None, None)
    assert refusal(ask("get", f"reports/{report.pk}/download", by=bob)) == (409, "Report is not ready")
    assert not Notification.objects.exists()


def test_a_report_that_breaks_while_it_is_made_fails_wholly(bob: User, corps: None, uploads: Path) -> None:
    # A file where the directory should be: nothing can be kept.
    uploads.write_text("in the way")
    report = made(bob, type="grades")
    assert report.status == "failed"
    assert not File.objects.exists() and not Notification.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_queue_makes_the_report_behind_the_answer(ask: Ask, bob: User) -> None:
    row = told(ask("post", "reports", by=bob, body={"type": "attendance"}))
    threads().submit(lambda: None).result(timeout=20)
    assert told(ask("get", f"reports/{row['id']}", by=bob))["status"] == "completed"


@pytest.mark.parametrize(
    ("url", "status", "body"),
    [
        ("data:text/plain;base64,c29tZSB0ZXh0", 200, b"some text"),
        ("data:text/plain;base64,c", 404, None),
        ("/uploads/there.txt", 200, b"there"),
        ("/opt/somewhere/else/there.txt", 200, b"there"),
        ("C:\\files\\there.txt", 200, b"there"),
        ("/uploads/gone.txt", 404, None),
        ("/uploads/../there", 404, None),
        ("", 404, None),
        (None, 404, None),
    ],
)
def test_a_download_knows_every_form_of_url(
    ask: Ask, bob: User, uploads: Path, url: str | None, status: int, body: bytes | None
) -> None:
    uploads.mkdir()
    (uploads / "there.txt").write_text("there")
    file = File.objects.create(filename="Peña.txt", url=url)
    report = Report.objects.create(type="t", status="completed", file=file)
    got = ask("get", f"reports/{report.pk}/download", by=bob)
    assert got.status_code == status
    if body is None:
        assert refusal(got) == (404, "File not found")
    else:
        assert content(got) == body and got["Content-Type"] == "text/plain; charset=utf-8"  # its name says so


def test_a_file_of_another_host_is_fetched_there(ask: Ask, bob: User) -> None:
    file = File.objects.create(filename="f", url="https://res.cloudinary.com/rotc/doc%201.pdf")
    report = Report.objects.create(type="t", status="completed", file=file)
    got = ask("get", f"reports/{report.pk}/download", by=bob)
    assert (got.status_code, got["Location"]) == (302, file.url)


def test_reports_are_listed_newest_first_and_for_staff_alone(ask: Ask, bob: User, alice: User) -> None:
    for type, when in [("a", "2024-01-01T00:00:00Z"), ("b", None), ("c", "2024-01-02T00:00:00Z")]:
        Report.objects.create(type=type, created_at=when)
    assert [row["type"] for row in told(ask("get", "reports", by=bob))["data"]] == ["b", "c", "a"]
    for path in ("reports", f"reports/{NOBODY}", f"reports/{NOBODY}/download"):
        assert refusal(ask("get", path, by=alice)) == (403, "Access denied")
    assert refusal(ask("post", "reports", by=alice, body={"type": "grades"})) == (403, "Access denied")


def test_a_report_that_does_not_exist_or_lost_its_file_is_a_404(ask: Ask, bob: User) -> None:
    for path in ("reports/{}", "reports/{}/download"):
        assert refusal(ask("get", path.format(NOBODY), by=bob)) == (404, "Report not found")
        assert refusal(ask("get", path.format("x"), by=bob))[0] == 400
    lost = Report.objects.create(type="t", status="completed")
    assert refusal(ask("get", f"reports/{lost.pk}/download", by=bob)) == (404, "File not found")


@pytest.mark.property_test
@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=2, max_size=2)))
def test_a_spreadsheet_program_reads_back_what_is_written(lines: list[list[str]]) -> None:
    assert list(csv.reader(io.StringIO(csv_bytes(lines).decode(), newline=""))) == lines
