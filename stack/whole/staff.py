"""Errands of instructors (administrators run them too): training days, marks, letters, activities, reports."""

from __future__ import annotations

import json

from stack.request import form
from stack.whole.actor import CREATED, MAYBE_GONE, Actor, Journey, page
from stack.whole.everybody import upload

COMPANIES = ("Alpha", "Bravo", "Charlie", "Delta", "HQ")
POLLS = 20


def roll_call(me: Actor) -> Journey:
    """One training day from its making to its end: by hand, in bulk, by QR code."""
    body = {"date": "2024-12-07", "title": f"Drill {me.tag}", "description": "Bring canteen"}
    day = (yield me.ask("POST attendance/days", body=body, expected=CREATED))["id"]
    yield me.ask("PUT attendance/days/{id}", id=day, body={"title": f"Drill and ceremony {me.tag}"})
    records = yield me.ask("GET attendance/days/{id}/records", id=day, query={"company": me.rng.choice(COMPANIES)})
    present = [{"cadetId": one["cadet_id"], "status": "present", "timeIn": "7:55:10 AM"} for one in records[:40]]
    yield me.ask("POST attendance/mark/bulk", body={"trainingDayId": day, "records": present})
    late = {"trainingDayId": day, "cadetId": me.cadet(), "status": "late", "remarks": "Jeepney", "timeIn": "8:20:00 AM"}
    yield me.ask("POST attendance/mark", body=late)
    student = records[-1]["student_id"]
    for code in (student, json.dumps({"student_id": student})):
        yield me.ask("POST attendance/scan", body={"trainingDayId": day, "qrData": code})
    mark = {"trainingDayId": day, "staffId": me.member(), "status": "present", "timeIn": "6:30:00 AM"}
    yield me.ask("POST attendance/staff/mark", body=mark)
    yield me.ask("GET attendance/days/{id}/records", id=day, query={"platoon": "1"})
    yield me.ask("DELETE attendance/days/{id}", id=day)


def same_mark(me: Actor) -> Journey:
    """Two instructors mark one cadet on one day at the same time, and correct it."""
    day, cadet = me.day(), me.contested()
    for turn in ("first", "second"):
        marks = [(who, f"{turn} by {who.user_id}, {me.tag}") for who in (me.client, me.colleague())]
        yield [
            me.ask("POST attendance/mark", by=who, target=f"attendance/{day}/{cadet}", value=remark,
                   body={"trainingDayId": day, "cadetId": cadet, "status": "late", "remarks": remark})
            for who, remark in marks
        ]  # fmt: skip


def same_scan(me: Actor) -> Journey:
    """Two scanners read one card at the same moment: of two first scans Node loses one with a duplicate key."""
    day = (yield me.ask("POST attendance/days", body={"date": "2024-12-08", "title": me.tag}, expected=CREATED))["id"]
    card = (yield me.ask("GET cadets/{id}", id=me.cadet()))["student_id"]
    yield [
        me.ask("POST attendance/scan", by=who, body={"trainingDayId": day, "qrData": card}, may_be_taken=True)
        for who in (me.client, me.colleague())
    ]
    yield me.ask("DELETE attendance/days/{id}", id=day)


def letters(me: Actor) -> Journey:
    """Decide on excuse letters: one's own making first, so that nobody else decided on it."""
    body = {"cadetId": me.cadet(), "trainingDayId": me.day(), "dateAbsent": "2024-08-03", "reason": me.tag}
    made = yield me.ask("POST attendance/excuse-letters", body=body, expected=CREATED)
    yield me.ask("GET attendance/excuse-letters", query=page(me.rng) | {"status": "pending"})
    for status in ("rejected", "approved"):
        yield me.ask("PUT attendance/excuse-letters/{id}/status", id=made["id"], body={"status": status})


def activity(me: Actor) -> Journey:
    """Announce something with photographs, change it, sign cadets up for it, call it off."""
    fields = {"title": f"Pasalamat {me.tag}", "date": "August 3, 2024", "location": "", "type": "announcement"}
    photographs = [("images", upload(me, f"photo-{n}.jpg")) for n in range(me.rng.randint(1, 4))]
    made = (yield me.ask("POST activities", content=form(fields, photographs), expected=CREATED))["id"]
    more = form({"replace_images": me.rng.choice(("true", "false"))}, [("images", upload(me, "more.jpg"))])
    yield me.ask("PUT activities/{id}", id=made, content=more)
    yield me.ask("PUT activities/{id}", id=made, body={"images": ["https://res.cloudinary.com/rotc/x.jpg"]})
    cadets = [me.cadet() for _ in range(me.rng.randint(5, 30))]
    yield me.ask("POST activities/{id}/participants", id=made, body={"cadet_ids": cadets})
    yield me.ask("GET activities/{id}", id=made)
    yield me.ask("DELETE activities/{id}/participants/{cadet_id}", id=made, cadet_id=cadets[0])
    yield me.ask("DELETE activities/{id}", id=made, expected=MAYBE_GONE)


def report(me: Actor) -> Journey:
    """Ask for a report, look until it is done, fetch it."""
    params = {"format": me.rng.choice(("csv", "csv", "pdf")), "company": me.rng.choice((*COMPANIES, None))}
    kind = me.rng.choice(("grades", "attendance", "merits"))
    asked = yield me.ask("POST reports", body={"type": kind, "params": params}, expected=frozenset({202}))
    for _ in range(POLLS):
        state = (yield me.ask("GET reports/{id}", id=asked["id"]))["status"]
        if state != "pending":
            break
    # One that is still being made may be done by the time that it is asked for.
    ready = {"completed": {200}, "failed": {409}}.get(state, {200, 409})
    yield me.ask("GET reports/{id}/download", id=asked["id"], expected=frozenset(ready))
    yield me.ask("GET reports", query=page(me.rng))
    yield me.ask("GET system/stats")


def colleagues(me: Actor) -> Journey:
    """The staff, and one's own row of it (the first administrator has none and corrects somebody else's)."""
    mine = me.staff_id or me.member()
    yield me.ask("GET staff", query=page(me.rng) | {"role": "Instructor"})
    yield me.ask("GET staff", query={"search": me.rng.choice(("an", "O'B", "@msu")), "includeArchived": "true"})
    yield me.ask("GET staff/{id}", id=me.member())
    yield me.ask("PUT staff/{id}", id=mine, body={"contact_number": "09181234567", "height": "5'7\""})
    yield me.ask("PATCH staff/{id}", id=mine, body={"civil_status": "Married"})
