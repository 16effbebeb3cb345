"""Files, reports, messages, notifications, the audit log and the settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from uuid import UUID

from stack.sample.grading import audited, merit_demerit_logs
from stack.sample.population import CADETS, USERS, dice, instructor, moment
from stack.sample.table import Json, Row

FILES, REPORTS, MESSAGES, NOTIFICATIONS, SUBSCRIPTIONS = 60, 20, 120, 150, 40
SETTINGS = {
    "school_year": "2024-2025", "semester": "1st", "registration_open": "1", "maintenance_mode": "0", "system_name":
    "ROTC Grading System", "passing_grade": "75", "theme": '{"primary": "#1e3a8a", "logo": null}', "announcement": None,
    "footer": "", "email_footer": "Tanglaw ng bayan — ROTC\nMSU Sogod",
}  # fmt: skip


def _uuid(table: str, number: int) -> UUID:
    return UUID(int=dice(table, number).getrandbits(128), version=4)


def _url(number: int) -> str:
    """The four forms that a file's URL has."""
    return (
        f"https://res.cloudinary.com/rotc/image/upload/v1722/doc%20{number}.pdf", f"/uploads/doc-{number}.pdf",
        f"/opt/render/project/src/server/uploads/doc-{number}.pdf", "data:text/plain;base64,VGFuZ2xhdw==",
    )[number % 4]  # fmt: skip


def files(scale: int) -> Iterator[Row]:
    """Uploaded files; sizes beyond 32 bits, and metadata that is JSON null, SQL NULL or an object."""
    for number in range(1, FILES * scale + 1):
        rng = dice("files/row", number)
        metadata = (None, Json(None), Json({"pages": number, "tags": ["a", None], "ratio": 0.1}), Json([]))[number % 4]
        yield (
            _uuid("files", number), rng.randint(1, USERS) if number % 5 else None, f"Dokumento {number}.pdf",
            _url(number),
            None if number % 4 else f"rotc/doc{number}", rng.choice(("application/pdf", "image/jpeg", None)),
            rng.choice((1_048_576, 0, 5_368_709_120 + number, None)), metadata, moment(rng),
        )  # fmt: skip


def reports(scale: int) -> Iterator[Row]:
    """Reports: done ones have a file, the others do not."""
    for number in range(1, REPORTS * scale + 1):
        rng = dice("reports/row", number)
        state = rng.choice(("pending", "completed", "completed", "failed"))
        asked = moment(rng)
        done = state == "completed"
        yield (
            _uuid("reports", number), rng.choice(("grades", "attendance", "merits")), state,
            rng.choice((None, Json(None), Json({"term": "final", "company": "Alpha"}), Json({"z": 1, "a": 2.50}))),
            _uuid("files", number) if done else None, instructor(rng), asked,
            asked + timedelta(seconds=rng.random() * 40) if done else None,
        )  # fmt: skip


def messages(scale: int) -> Iterator[Row]:
    """Messages in rooms and to people; some senders are gone."""
    for number in range(1, MESSAGES * scale + 1):
        rng = dice("messages", number)
        private = rng.random() < 0.4
        yield (
            number, "direct" if private else rng.choice(("general", "alpha", "staff room")),
            rng.randint(1, USERS) if number % 11 else None, rng.randint(1, USERS) if private else None,
            rng.choice((None, "", "Re: schedule")),
            rng.choice(("Opo, sir 🫡", "Assembly at 0700H.", "See <b>file</b> & reply")),
            rng.choice((True, False, None)), moment(rng),
        )  # fmt: skip


def notifications(scale: int) -> Iterator[Row]:
    """Notices to one user, or to everybody (no user at all)."""
    for number in range(1, NOTIFICATIONS * scale + 1):
        rng = dice("notifications", number)
        yield (
            number, None if number % 10 == 0 else rng.randint(1, USERS), rng.choice(("grade", "activity", "system")),
            f"New grade posted ({number})", rng.choice(("normal", "normal", "high", None)), rng.random() < 0.5,
            moment(rng),
        )  # fmt: skip


def push_subscriptions(scale: int) -> Iterator[Row]:
    """Browsers to push to; every fifth belongs to an account that is gone."""
    for number in range(1, SUBSCRIPTIONS * scale + 1):
        rng = dice("push_subscriptions", number)
        owner = 9_000_000 + number if number % 5 == 0 else rng.randint(1, USERS)
        keys = {"p256dh": f"B{rng.getrandbits(160):040x}", "auth": f"{rng.getrandbits(64):016x}"}
        yield number, owner, f"https://push.example/send/{number:06d}", json.dumps(keys), moment(rng)


def _change(rng: Random) -> tuple[str, str, str, int | None, Json | None]:
    table, row = rng.choice(("cadets", "users", "settings", "grades")), str(rng.randint(1, CADETS))
    payload = rng.choice((None, Json(None), Json({"status": {"from": "Ongoing", "to": "Verified"}})))
    operation = rng.choice(("INSERT", "UPDATE", "UPDATE", "DELETE"))
    return table, operation, row, rng.choice((instructor(rng), None)), payload


def audit_logs(scale: int) -> Iterator[Row]:
    """What the trigger wrote about every merit log, and as much again about other tables."""
    number = 0
    for merit in merit_demerit_logs(scale):
        row, user, payload, when = audited(merit)
        yield number + 1, "merit_demerit_logs", "INSERT", row, user, Json(payload), when
        rng = dice("audit_logs", number)
        yield (number + 2, *_change(rng), moment(rng))
        number += 2


def settings(_scale: int) -> Iterator[Row]:
    """The settings of the whole system: everything is text, a boolean is '1' or '0'."""
    yield from ((number, key, value) for number, (key, value) in enumerate(SETTINGS.items(), start=1))
