"""What each kind of job does, in a real worker."""

from __future__ import annotations

import io
import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.attendance.models import Attendance, TrainingDay
from apps.authentication.models import User, UserSetting
from apps.files.models import File
from apps.files.pictures import WORTH_BYTES, compressed, worth_processing
from apps.files.reading import text_of, text_on
from apps.grading.models import Grade, GradeCategory
from apps.messaging.models import Notification
from apps.messaging.services import notification_create
from apps.messaging.tasks import send_notification_email
from apps.reports.models import Report
from apps.reports.tables import TYPES
from tests.django_backend.people import Ask, cadet, picture, told
from tests.django_backend.working import Worker
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
PROCESS = "apps.files.tasks.process_file"


def test_orders_that_were_lost_are_found_again(worker: Worker, bob: User) -> None:
    now = timezone.now()
    lost, fresh, old = (
        Report.objects.create(type="grades", requested_by=bob, created_at=now - age)
        for age in (timedelta(minutes=20), timedelta(0), timedelta(days=2))
    )
    assert worker.done("apps.reports.tasks.resume_reports") == 1
    eventually(lambda: Report.objects.get(pk=lost.pk).status == "completed", within=30)
    assert {Report.objects.get(pk=report.pk).status for report in (fresh, old)} == {"pending"}


def test_the_reports_of_a_day_are_ordered_once(worker: Worker, db: None) -> None:
    assert [worker.done("apps.reports.tasks.generate_daily_reports") for _ in range(2)] == [len(TYPES), 0]
    eventually(lambda: Report.objects.filter(status="completed").count() == len(TYPES), within=30)
    assert not Notification.objects.exists()


def test_sessions_that_have_expired_are_deleted(worker: Worker, db: None) -> None:
    now = timezone.now()
    for name, expires in (("old", now - timedelta(seconds=1)), ("new", now + timedelta(days=1))):
        Session.objects.create(session_key=name, session_data="", expire_date=expires)
    assert worker.done("apps.authentication.tasks.cleanup_sessions") == 1
    assert Session.objects.get().session_key == "new"


def test_marks_are_counted_anew_and_open_pages_are_told_once(worker: Worker, db: None) -> None:
    day = TrainingDay.objects.create(date="x", title="y")
    Attendance.objects.create(training_day=day, cadet=cadet("1"), status="present")
    with worker.cache.pubsub(ignore_subscribe_messages=True) as listening:
        listening.psubscribe("realtime:*")
        listening.get_message(timeout=5)
        assert [worker.done("apps.attendance.tasks.sync_attendance") for _ in range(2)] == [True, False]
        # What was published before the results were there has arrived.
        heard = list(iter(lambda: listening.get_message(timeout=0.5), None))
    assert len(heard) == 1 and b'"synced"' in heard[0]["data"]
    assert Attendance.objects.count() == 1 and not Notification.objects.exists()


def test_many_grades_are_saved_or_none(worker: Worker, bob: User) -> None:
    category = GradeCategory.objects.create(name="c", weight=1)
    cadets = [cadet(str(number)) for number in range(3)]
    grades = [{"cadet_id": one.pk, "score": "90.5", "term": "final"} for one in cadets]
    name = "apps.grading.tasks.grade_in_bulk"
    with pytest.raises(Exception, match="Invalid input"):
        worker.done(name, category.pk, [*grades, {"cadet_id": "x", "score": 1}], bob.pk)
    assert not Grade.objects.exists()
    assert worker.done(name, category.pk, grades, bob.pk) == 3
    assert set(Grade.objects.values_list("score", "max_score", "graded_by")) == {(90.5, 100, bob.pk)}
    assert Notification.objects.get(user=bob).message == "3 grades saved: c"


def test_a_table_is_taken_away_as_a_file(worker: Worker, carol: User) -> None:
    cadet("7", last_name="Peña, Jr.")
    file = File.objects.get(pk=worker.done("apps.system.tasks.export_data", "cadets", carol.pk))
    lines = (worker.uploads / str(file.url).removeprefix("/uploads/")).read_text().splitlines()
    assert lines[0].startswith("id,rank,first_name") and '"Peña, Jr."' in lines[1] and len(lines) == 2
    assert (file.owner_id, file.filename) == (carol.pk, "cadets.csv")
    with pytest.raises(Exception, match="Unknown table"):
        worker.done("apps.system.tasks.export_data", "users", carol.pk)


def noisy(kind: str, side: int = 900, words: str = "", **how: Any) -> bytes:
    """A picture that takes some room, with words on it if there are any."""
    image = Image.effect_noise((side, side), 20).convert("RGB")
    if words:
        draw = ImageDraw.Draw(image)
        draw.rectangle((20, 20, side - 20, 140), fill="white")
        draw.text((40, 40), words, fill="black", font=ImageFont.load_default(size=56))
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def kept(worker: Worker, name: str, content: bytes, **columns: Any) -> File:
    """A file as an upload leaves it, where the worker finds it."""
    (worker.uploads / name).write_bytes(content)
    return File.objects.create(filename=name, url=f"/uploads/{name}", size=len(content), **columns)


def test_an_uploaded_picture_is_made_smaller_and_its_words_are_noted(worker: Worker, alice: User) -> None:
    content = noisy("JPEG", words="EXCUSE LETTER", quality=97)
    file = kept(worker, "letter.jpg", content, owner=alice, metadata={"pages": 1})
    assert worker.done(PROCESS, str(file.pk)) == "compressed"
    file.refresh_from_db()
    now_there = (worker.uploads / "letter.jpg").read_bytes()
    assert file.size == len(now_there) < 0.9 * len(content)
    with Image.open(io.BytesIO(now_there)) as smaller:
        assert (smaller.format, smaller.size) == ("JPEG", (900, 900))
    assert file.metadata["pages"] == 1 and file.metadata["processing"]["original_size"] == len(content)
    assert "EXCUSE" in file.metadata["processing"]["text"] and "LETTER" in file.metadata["processing"]["text"]
    assert worker.done(PROCESS, str(file.pk)) == "done already"
    assert (worker.uploads / "letter.jpg").read_bytes() == now_there


def test_notes_that_are_a_list_stay_a_list(worker: Worker, alice: User) -> None:
    file = kept(worker, "list.jpg", noisy("JPEG", 300, quality=97), owner=alice, metadata=["a"])
    worker.done(PROCESS, str(file.pk))
    file.refresh_from_db()
    assert file.metadata == ["a"] and file.size == (worker.uploads / "list.jpg").stat().st_size


def test_a_file_whose_bytes_are_gone_or_no_picture_is_left_as_it_is(worker: Worker, alice: User) -> None:
    gone = File.objects.create(filename="x", url="/uploads/gone.png", size=9)
    broken = kept(worker, "broken.png", b"\x89PNG\r\n\x1a\n and so on")
    assert [worker.done(PROCESS, str(file.pk)) for file in (gone, broken)] == ["not here", "looked at"]
    assert (worker.uploads / "broken.png").read_bytes().endswith(b"and so on")


@pytest.mark.django_db(transaction=False)
def test_an_upload_that_is_worth_it_is_given_to_a_worker_and_no_other(
    ask: Ask, alice: User, settings: Any, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    large = noisy("PNG", 300)
    for content, embed, effects in [(large, "false", 1), (large, "true", 0), (large[: WORTH_BYTES - 1], "false", 0)]:
        with django_capture_on_commit_callbacks() as handed_over:
            row = told(ask("post", "files/upload", by=alice, data={"file": picture("a.png", content), "embed": embed}))
        assert (len(handed_over), row["size"], row["metadata"]) == (effects, len(content), None)


def test_which_uploads_are_worth_a_workers_time() -> None:
    large = b"\x89PNG\r\n\x1a\n" + bytes(WORTH_BYTES)
    assert worth_processing("/uploads/a.png", large)
    assert not worth_processing("https://res.cloudinary.com/a.png", large)
    assert not worth_processing("/uploads/a.png", large[: WORTH_BYTES - 1])
    assert not worth_processing("/uploads/a.pdf", b"%PDF-" + bytes(WORTH_BYTES))


def test_only_what_the_recogniser_believes_is_text() -> None:
    assert text_of([[[], "one", 0.9], [[], "tw\0o", "0.7"], [[], "??", 0.2]]) == "one\ntwo"
    assert text_of(None) == ""


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_kinds_that_would_lose_by_it_are_left_alone(kind: str) -> None:
    assert compressed(noisy(kind, 100)) is None


def test_what_is_small_already_stays_as_it_is() -> None:
    smaller = compressed(noisy("JPEG", 300, quality=97))
    assert smaller is not None and compressed(smaller) is None


def test_a_picture_that_would_fill_the_memory_is_not_unpacked() -> None:
    out = io.BytesIO()
    Image.new("1", (8_000, 8_000)).save(out, "PNG")
    assert compressed(out.getvalue()) is None and text_on(out.getvalue()) == ""


def test_a_picture_is_turned_upright_and_forgets_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a secret place"
    out = io.BytesIO()
    Image.effect_noise((400, 200), 50).convert("RGB").save(out, "JPEG", quality=98, exif=exif)
    smaller = compressed(out.getvalue())
    assert smaller is not None and b"a secret place" not in smaller
    with Image.open(io.BytesIO(smaller)) as upright:
        assert upright.size == (200, 400) and not upright.getexif()


@pytest.mark.property_test
@given(content=st.binary(max_size=300) | st.binary(max_size=300).map(lambda rest: b"\x89PNG\r\n\x1a\n" + rest))
def test_whatever_is_no_picture_is_left_alone(content: bytes) -> None:
    assert compressed(content) is None


class Postman(socketserver.StreamRequestHandler):
    """Takes mail by SMTP and keeps it."""

    taken: list[bytes]

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            if word != b"DATA":
                self.wfile.write(b"250 fine\r\n")
                continue
            self.wfile.write(b"354 go on\r\n")
            self.taken.append(b"".join(iter(self.rfile.readline, b".\r\n")))
            self.wfile.write(b"250 taken\r\n")


@pytest.fixture
def mail(settings: Any) -> Iterator[list[bytes]]:
    """What arrives at the server for mail that Django knows of."""
    taken: list[bytes] = []
    handler = type("Handler", (Postman,), {"taken": taken})
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.EMAIL_USE_TLS = False
        yield taken
        server.shutdown()


def test_a_notification_reaches_its_user_by_mail(alice: User, mail: list[bytes]) -> None:
    row = Notification.objects.create(user=alice, type="grade", message="New grade posted")
    assert send_notification_email.apply(args=[row.pk]).get() == "sent"
    [letter] = map(message_from_bytes, mail)
    assert (letter["To"], letter["Subject"]) == ("alice@example.com", "ROTC Grading System")
    assert letter.get_payload().strip() == "New grade posted"


def test_nobody_gets_mail_who_did_not_want_it_or_has_no_address(alice: User, bob: User, mail: list[bytes]) -> None:
    UserSetting.objects.create(user=alice, email_alerts=False)
    for user in (alice, bob, None):
        row = Notification.objects.create(user=user, type="grade", message="x")
        assert send_notification_email.apply(args=[row.pk]).get() == "unwanted"
    assert mail == []


@pytest.mark.django_db(transaction=False)
def test_mail_is_ordered_only_where_there_is_a_server_for_it(
    alice: User, settings: Any, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    counts = []
    for host in ("", "mail.example"):
        settings.EMAIL_HOST = host
        with django_capture_on_commit_callbacks() as effects:
            notification_create(user_id=alice.pk, type="t", message="m", now=timezone.now())
        counts.append(len(effects))
    assert counts == [1, 2]
