"""Training days, attendance, excuse letters and activities."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from stack.sample.population import CADETS, STAFF, dice, ids, instructor, moment
from stack.sample.table import Row

DAYS, ACTIVITIES, PARTICIPANTS = 15, 24, 30
FIRST_DAY = date(2024, 8, 3)
MARKS = ("present",) * 14 + ("late",) * 3 + ("absent",) * 2 + ("excused",)
TOPICS = ("Drill and ceremony", "Map reading", "First aid", "Disaster preparedness", "Marksmanship (dry)", "Road march")


def training_days(_scale: int) -> Iterator[Row]:
    """Fifteen Saturdays of one semester; the date is text that nobody ever checked."""
    for number in range(1, DAYS + 1):
        day = (FIRST_DAY + timedelta(weeks=number - 1)).isoformat()
        # One day was entered twice on the same date, one without its zero.
        text = {9: (FIRST_DAY + timedelta(weeks=7)).isoformat(), 6: day.replace("-0", "-", 1)}.get(number, day)
        about = None if number % 4 == 0 else f"Bring canteen & notebook; assembly at 0700H (day {number})"
        title = f"{TOPICS[number % len(TOPICS)]} {number}"
        yield number, text, title, about, moment(dice("days", number), number * 7 - 9, 1)


def _clock(rng: Random, hour: int) -> str | None:
    """A time as one of the machines wrote it down."""
    minute, second = rng.randrange(60), rng.randrange(60)
    half = f"{(hour - 1) % 12 + 1}:{minute:02d}:{second:02d} {'AM' if hour < 12 else 'PM'}"
    return rng.choice((half, half, half, f"{hour:02d}:{minute:02d}", ""))


def _marked(rng: Random, number: int, day: int, whom: int) -> Row:
    mark = rng.choice(MARKS)
    came = mark in {"present", "late"}
    remark = rng.choice((None, None, None, "", "QR scan", "Manual — nawala ang ID"))
    return (
        number, day, whom, mark, remark, _clock(rng, 7) if came else None,
        _clock(rng, 16) if came and rng.random() < 0.8 else None, moment(rng, (day - 1) * 7, 1),
    )  # fmt: skip


def attendance(scale: int) -> Iterator[Row]:
    """A mark for every cadet on every day."""
    for cadet in ids(CADETS, scale):
        rng = dice("attendance", cadet)
        for day in range(1, DAYS + 1):
            yield _marked(rng, (cadet - 1) * DAYS + day, day, cadet)


def staff_attendance(scale: int) -> Iterator[Row]:
    """A mark for every member of staff on every day."""
    for member in ids(STAFF, scale):
        rng = dice("staff_attendance", member)
        for day in range(1, DAYS + 1):
            yield _marked(rng, (member - 1) * DAYS + day, day, member)


def excuse_letters(scale: int) -> Iterator[Row]:
    """A letter from about every eighth cadet; some name no day."""
    for number, cadet in enumerate(range(3, CADETS * scale + 1, 8), start=1):
        rng = dice("excuse_letters", number)
        day = rng.randint(1, DAYS)
        url = rng.choice(
            (None, f"/uploads/letter-{number}.pdf", f"https://res.cloudinary.com/rotc/raw/upload/letter{number}.pdf")
        )
        yield (
            number, cadet, day if rng.random() < 0.9 else None, FIRST_DAY + timedelta(weeks=day - 1),
            rng.choice(("Fever", "Family emergency", "Enrolment\nat another campus", None)), url,
            rng.choice(("pending", "approved", "rejected")), moment(rng, day * 7),
        )  # fmt: skip


def activities(_scale: int) -> Iterator[Row]:
    """Activities and announcements; images are a JSON array inside a text."""
    for number in range(1, ACTIVITIES + 1):
        rng = dice("activities", number)
        pictures = [f"/uploads/activity-{number}-{i}.jpg" for i in range(rng.randrange(4))]
        when = FIRST_DAY + timedelta(days=rng.randrange(110))
        yield (
            number,
            rng.choice(("Tree planting", "Blood donation", "Field exercise", "Pasalamat program")) + f" {number}",
            rng.choice(("All cadets in \"Type B\" uniform.", None, "")),
            rng.choice((when.isoformat(), f"{when:%B %d, %Y}")),
            rng.choice(("Quadrangle", "Sogod Gym", None)), rng.choice(("activity", "announcement")),
            rng.choice((json.dumps(pictures), json.dumps(pictures, separators=(",", ":")), None)),
            instructor(rng) if rng.random() < 0.9 else None, moment(rng, -5), moment(rng, 20) if number % 3 else None,
        )  # fmt: skip


def activity_cadets(scale: int) -> Iterator[Row]:
    """Who takes part in what."""
    for number in range(1, ACTIVITIES + 1):
        chosen = dice("activity_cadets", number).sample(range(1, CADETS * scale + 1), PARTICIPANTS * scale)
        yield from ((number, cadet) for cadet in chosen)
