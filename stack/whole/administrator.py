"""Errands of administrators: personnel, spreadsheets, categories, settings, and word to everybody."""

from __future__ import annotations

from stack.request import Content, Upload, form
from stack.whole.actor import CREATED, MAYBE_GONE, Actor, Journey, page
from stack.whole.grading import enlisted

CREATED_ALWAYS = frozenset({201})  # staff: on both sides


def _spreadsheet(header: str, rows: list[str]) -> Content:
    # With the mark that spreadsheets put in front, the line ends of their system, and a column that nobody knows.
    text = "\r\n".join([f"{header},unknown", *rows, ""])
    return form({}, [("file", Upload("import.csv", text.encode(), "text/csv"))])


def personnel(me: Actor) -> Journey:
    """A new instructor, from hiring to the archive."""
    body = {"first_name": "Ángel", "last_name": f"Load {me.tag}", "birthdate": "February 30, 1980", "age": 44}
    new = (yield me.ask("POST staff", body=body, expected=CREATED_ALWAYS))["id"]
    yield me.ask("PUT staff/{id}", id=new, body={"rank": "Sgt", "role": "Tactical NCO"})
    yield me.ask("PATCH staff/{id}", id=new, body={"afpsn": f"O-{new}"})
    yield me.ask("GET staff/{id}", id=new)
    yield me.ask("POST staff/bulk/archive", body={"ids": [new]})
    yield me.ask("POST staff/bulk/restore", body={"ids": [new, new]})
    yield me.ask("DELETE staff/{id}", id=new)


def spreadsheets(me: Actor) -> Journey:
    """Import cadets and staff from spreadsheets of some size."""
    size = me.rng.choice((3, 30, 150))
    cadets = [f'José,"Load, {me.tag}",L-{me.tag}-{n},2nd Year,x' for n in range(size)]
    header = "first_name,last_name,student_id,year_level"
    yield me.ask("POST cadets/import", content=_spreadsheet(header, cadets), may_be_taken=True)
    staff = [f"Ana,Load {me.tag}-{n},,x" for n in range(3)]
    yield me.ask("POST staff/import", content=_spreadsheet("first_name,last_name,rank", staff))


def discharge(me: Actor) -> Journey:
    """A cadet is archived by the verb that sounds like more."""
    new = yield from enlisted(me)
    yield me.ask("DELETE cadets/{id}", id=new)
    yield me.ask("GET cadets/{id}", id=new)


def categories(me: Actor) -> Journey:
    """A category of grades comes and goes before anybody uses it."""
    body = {"name": f"Load {me.tag}", "weight": 12.345}
    made = yield me.ask("POST grading/categories", body=body, expected=CREATED, may_be_taken=True)
    if made is None:
        known = yield me.ask("GET grading/categories")
        made = {one["name"]: one for one in known}[body["name"]]
    yield me.ask("PUT grading/categories/{id}", id=made["id"], body={"description": "of the semester"})
    yield me.ask("DELETE grading/categories/{id}", id=made["id"])


def settings(me: Actor) -> Journey:
    """Change how the system behaves, and see who changed what."""
    key = f"load_{me.rng.randrange(20)}"
    yield me.ask("PUT system/settings", body={key: me.rng.random() < 0.5, f"{key}_text": me.tag, f"{key}_none": None})
    yield me.ask("GET system/settings")
    yield me.ask("GET system/audit-logs", query=page(me.rng))
    yield me.ask(
        "GET system/audit-logs", query={"table_name": "merit_demerit_logs", "page": str(me.rng.randint(1, 20))}
    )


def word_to_all(me: Actor) -> Journey:
    """Tell everybody something, and take it back."""
    body = {"message": f"Assembly at 0700H {me.tag}", "type": "activity", "priority": "high"}
    sent = yield me.ask("POST messaging/broadcast", body=body, expected=CREATED)
    yield me.ask("GET messaging/notifications")
    yield me.ask("PUT messaging/notifications/{id}/read", id=sent["id"])
    yield me.ask("DELETE messaging/notifications/{id}", id=sent["id"], expected=MAYBE_GONE)
