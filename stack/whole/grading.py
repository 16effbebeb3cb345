"""Errands of staff around cadets and grades: the roster, one cadet from enlistment to archive, grades one and many."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from stack.request import Request
from stack.sample.grading import TERMS
from stack.sample.population import user_of_cadet
from stack.whole.actor import CREATED, Actor, Journey, page
from stack.whole.staff import COMPANIES

SUBJECT, APTITUDE, ATTENDANCE = 3, 2, 1
SEARCHES = ("an", "Cruz", "ñ", "20-000", "O'B", "zzz", "%", "Ma")


def roster(me: Actor) -> Journey:
    """Look for cadets."""
    yield me.ask("GET cadets", query=page(me.rng))
    yield me.ask("GET cadets", query={"company": me.rng.choice(COMPANIES), "includeArchived": "true"})
    yield me.ask("GET cadets", query={"search": me.rng.choice(SEARCHES)})
    yield me.ask("GET cadets/{id}", id=me.cadet())
    yield me.ask("GET system/stats")


def enlisted(me: Actor) -> Generator[Request, Any, int]:
    """A new cadet, or the one that an earlier run of this seed left behind."""
    name = {"first_name": "José", "last_name": f"Load {me.tag}", "student_id": f"L-{me.tag}", "year_level": "2nd Year"}
    made = yield me.ask("POST cadets", body=name, expected=frozenset({201}), may_be_taken=True)
    if made is None:
        query = {"search": f"L-{me.tag}", "includeArchived": "true"}
        made = (yield me.ask("GET cadets", query=query))["data"][0]
    return int(made["id"])


def cadet(me: Actor) -> Journey:
    """A cadet comes, is corrected, and goes."""
    new = yield from enlisted(me)
    yield me.ask("PUT cadets/{id}", id=new, body={"company": "Alpha", "birthdate": "2004-02-29", "is_archived": False})
    yield me.ask("PATCH cadets/{id}", id=new, body={"course": "BSIT", "email": ""})
    yield me.ask("GET cadets/{id}", id=new)
    yield me.ask("POST cadets/bulk/archive", body={"ids": [new]})
    yield me.ask("POST cadets/bulk/restore", body={"ids": [new]})
    yield me.ask("POST cadets/bulk/archive", body={"ids": [new, new]})


def same_cadet(me: Actor) -> Journey:
    """An instructor and the cadet change one address at once, twice."""
    contested = me.contested()
    owner = me.cast.person(user_of_cadet(contested))
    for turn in range(2):
        texts = [(who, f"Block {turn}, {who.user_id}, {me.tag}") for who in (me.client, owner)]
        yield [
            me.ask("PATCH cadets/{id}", by=who, id=contested, body={"address": text}, target=f"cadets/{contested}",
                   value=text)
            for who, text in texts
        ]  # fmt: skip


def grade(me: Actor) -> Journey:
    """Grades, merits and demerits of a new cadet."""
    new = yield from enlisted(me)
    body = {"cadetId": new, "categoryId": SUBJECT, "term": "final", "score": 74.999, "remarks": me.tag}
    made = yield me.ask("POST grading/grades", body=body, expected=CREATED, may_be_taken=True)
    if made is None:
        made = (yield me.ask("GET grading/grades", query={"cadetId": str(new)}))["data"][0]
    yield me.ask("PUT grading/grades/{id}", id=made["id"], body={"score": 92.5, "status": "active"})
    logs = []
    for kind, points in (("merit", 10), ("demerit", 3)):
        log = {"cadetId": new, "type": kind, "points": points, "reason": "Drill", "issuedByName": "Sgt Abad"}
        logs.append((yield me.ask("POST grading/merit-logs", body=log, expected=CREATED))["id"])
    yield me.ask("GET grading/cadets/{id}/summary", id=new)
    yield me.ask("GET grading/cadets/{id}/ledger", id=new)
    for log_id in logs:
        yield me.ask("DELETE grading/merit-logs/{id}", id=log_id)
    yield me.ask("DELETE grading/grades/{id}", id=made["id"])
    yield me.ask("POST cadets/bulk/archive", body={"ids": [new]})


def many_grades(me: Actor) -> Journey:
    """A sheet of grades at once, twice: the second time they are there already."""
    cadets = sorted({me.cadet() for _ in range(me.rng.choice((5, 30, 80)))})
    for turn in (1, 2):
        scores = [{"cadetId": one, "score": me.rng.randint(6000, 10000) / 100, "remarks": f"{turn}"} for one in cadets]
        yield me.ask("POST grading/grades/bulk", body={"categoryId": ATTENDANCE, "term": "prelim", "grades": scores})
    yield me.ask("GET grading/grades", query=page(me.rng) | {"categoryId": str(ATTENDANCE)})
    yield me.ask("GET grading/merit-logs", query=page(me.rng))


def same_grade(me: Actor) -> Journey:
    """Two people correct one grade at once, twice."""
    # The sample's grades of cadet n are four in a row; this is the subject's in some term.
    number = (me.contested() - 1) * 4 + me.rng.randint(1, len(TERMS))
    for turn in range(2):
        remarks = [(who, f"{turn} by {who.user_id}, {me.tag}") for who in (me.client, me.colleague())]
        yield [
            me.ask("PUT grading/grades/{id}", by=who, id=number, body={"remarks": text}, target=f"grades/{number}",
                   value=text)
            for who, text in remarks
        ]  # fmt: skip
