"""Errands of every role: the account, notices, reading around, files, and talk."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from stack.request import Content, Request, Upload, form
from stack.sample.passwords import password_of_user
from stack.sample.population import KNOWN_LOGINS
from stack.whole.actor import CREATED, MAYBE_GONE, OK, Actor, Hear, Journey, Say, page

# What people upload: a note, a photograph made small, a scan, and once in a while a film.
SIZES = (700, 40_000, 40_000, 300_000, 300_000, 2_000_000)
JPEG = bytes.fromhex("ffd8ffe000104a464946")
ROOMS = ("general", "alpha", "staff room", "Ñ/2?")


def upload(me: Actor, name: str, sizes: tuple[int, ...] = SIZES) -> Upload:
    """A file of some size whose bytes follow from the errand, and are what its name says: a backend may look."""
    size = me.rng.choice(sizes)
    if name.endswith(".jpg"):
        return Upload(name, JPEG + me.rng.randbytes(size - len(JPEG)), "image/jpeg")
    return Upload(name, me.rng.randbytes(size // 2).hex().encode(), "text/plain")


def account(me: Actor) -> Journey:
    """Look after one's account."""
    yield me.ask("GET auth/me")
    yield me.ask("GET auth/settings")
    colour = f"#{me.rng.randrange(1 << 24):06x}"
    yield me.ask("PUT auth/settings", body={"primaryColor": colour, "darkMode": me.rng.random() < 0.5},
                 target=f"user_settings/{me.client.user_id}", value=colour)  # fmt: skip
    yield me.ask("POST auth/heartbeat")
    yield me.ask("GET system/settings")
    yield me.ask("GET staff/me", expected=OK if me.staff_id else frozenset({404}))
    yield me.ask("POST auth/logout")


def sign_in(me: Actor) -> Journey:
    """Log in with a password, and change it to what it was (so that everybody can go on logging in with it)."""
    login = next(one for one in KNOWN_LOGINS if one.role == me.client.role)
    password = password_of_user(login.user_id)
    answer = yield me.ask("POST auth/login", anonymous=True, body={"username": login.username, "password": password})
    me.cast.adopt(login.user_id, answer["token"])
    person = me.cast.person(login.user_id)
    yield me.ask("GET auth/me", by=person)
    yield me.ask("PUT auth/password", by=person, body={"currentPassword": password, "newPassword": password})


def notices(me: Actor) -> Journey:
    """Read what came in. The notice that is removed is one's own; where there is none, one that is not there."""
    answer = yield me.ask(
        "GET messaging/notifications", query={"unread": me.rng.choice(("true", "false"))} | page(me.rng)
    )
    broadcast = yield me.ask("GET messaging/notifications", query={"limit": "100"})
    for notice in broadcast["data"][:2]:
        yield me.ask("PUT messaging/notifications/{id}/read", id=notice["id"], expected=MAYBE_GONE)
    yield me.ask("PUT messaging/notifications/read-all")
    own = [notice["id"] for notice in answer["data"] if notice["user_id"] == me.client.user_id]
    yield me.ask("DELETE messaging/notifications/{id}", id=own[0] if own else 0, expected=MAYBE_GONE)


def push(me: Actor) -> Journey:
    """A browser asks for push messages, and takes it back."""
    endpoint = f"https://push.example/load/{me.tag}"
    keys = {"p256dh": f"B{me.rng.getrandbits(160):040x}", "auth": f"{me.rng.getrandbits(64):016x}"}
    yield me.ask("POST messaging/push/subscribe", body={"endpoint": endpoint, "keys": keys})
    yield me.ask("POST auth/heartbeat")
    yield me.ask("POST messaging/push/unsubscribe", body={"endpoint": endpoint})


def reading(me: Actor) -> Journey:
    """Look around."""
    yield me.ask("GET activities", query=page(me.rng) | {"type": me.rng.choice(("activity", "announcement"))})
    yield me.ask("GET activities", query={"search": me.rng.choice(("Tree", "program", "ñ", "%"))})
    yield me.ask("GET activities/{id}", id=me.activity())
    yield me.ask("GET attendance/days", query=page(me.rng))
    yield me.ask("GET attendance/days/{id}", id=me.day())
    yield me.ask("GET grading/categories")
    yield me.ask("GET grading/leaderboard", query={"limit": str(me.rng.choice((5, 10, 100)))})


def standing(me: Actor) -> Journey:
    """How a cadet stands: its own record, or, for staff, somebody's."""
    cadet = me.cadet() if me.is_staff else me.client.cadet_id
    query = {"cadetId": str(cadet)}
    yield me.ask("GET cadets/{id}", id=cadet)
    yield me.ask("GET grading/cadets/{id}/summary", id=cadet)
    yield me.ask("GET grading/cadets/{id}/ledger", id=cadet)
    yield me.ask("GET grading/grades", query=query | {"term": me.rng.choice(("prelim", "midterm", "final"))})
    yield me.ask("GET grading/grades", query=query)
    yield me.ask("GET grading/merit-logs", query=query | {"type": me.rng.choice(("merit", "demerit"))})


def letter(me: Actor) -> Journey:
    """Hand in an excuse with a scan of it; staff does so for a cadet, and without a file."""
    day, absent = me.day(), "2024-08-03"
    if me.is_staff:
        body = {"cadetId": me.cadet(), "trainingDayId": day, "dateAbsent": absent, "reason": "Phoned in"}
        yield me.ask("POST attendance/excuse-letters", body=body, expected=CREATED)
    else:
        fields = {"trainingDayId": str(day), "dateAbsent": absent, "reason": "Lagnat 🤒\nat ubo"}
        content = form(fields, [("file", upload(me, "letter.jpg"))])
        yield me.ask("POST attendance/excuse-letters", content=content, expected=CREATED)
    yield me.ask("GET attendance/excuse-letters", query=page(me.rng) | {"status": "pending"})


def files(me: Actor) -> Journey:
    """Upload a file, find it, fetch its bytes, remove it; and one that lives inside its row."""
    first = yield from _uploaded(me, form({"metadata": json.dumps({"pages": 3})}, [("file", upload(me, "Año.txt"))]))
    yield me.ask("GET files", query=page(me.rng))
    yield me.ask("GET files/{id}", id=first["id"])
    yield me.ask("GET /uploads/{name}", name=first["url"].rpartition("/")[2], anonymous=True)
    yield me.ask("DELETE files/{id}", id=first["id"])
    small = form({"embed": "true"}, [("file", upload(me, "note.txt", (300,)))])
    second = yield from _uploaded(me, small)
    yield me.ask("DELETE files/{id}", id=second["id"])


def _uploaded(me: Actor, content: Content) -> Generator[Request, Any, Any]:
    return (yield me.ask("POST files/upload", content=content, expected=CREATED))


def chat(me: Actor) -> Journey:
    """Two people in one room: what one says over HTTP or the socket, both hear."""
    room, other = f"{me.rng.choice(ROOMS)} {me.tag}", me.rng.choice(me.cast.everyone)
    mine = yield me.open("WS /ws/chat/{room_id}/", room_id=room)
    theirs = yield me.open("WS /ws/chat/{room_id}/", other, room_id=room)
    yield Say(theirs, {"type": "typing", "data": {}})
    yield Hear(mine, "typing", {"userId": other.user_id})
    said = {"content": f"Opo, sir 🫡 {me.tag}", "subject": None}
    yield Say(mine, {"type": "message", "data": said})
    for socket in (mine, theirs):
        yield Hear(socket, "message", said | {"sender_id": me.client.user_id, "room": room})
    posted = yield me.ask("POST messaging/rooms/{room}/messages", by=other, room=room, body={"content": "Noted"},
                          expected=CREATED)  # fmt: skip
    yield Hear(mine, "message", {"id": posted["id"], "content": "Noted"})
    yield me.ask("GET messaging/rooms/{room}/messages", room=room, query=page(me.rng))
    yield me.ask("POST messaging/rooms/{room}/messages", room=room, expected=CREATED,
                 body={"content": "For you alone", "recipientId": other.user_id})  # fmt: skip
    yield Hear(theirs, "message", {"recipient_id": other.user_id})


def listening(me: Actor) -> Journey:
    """An open page: turned away with an old token, it comes with a new one, and hears of what others do."""
    yield me.open("WS /ws/updates/", token=me.cast.expired(me.client), closes=4001)
    updates = yield me.open("WS /ws/updates/")
    notices = yield me.open("WS /ws/notifications/")
    yield Say(notices, {"type": "ping", "data": {"n": 1}})
    yield Hear(notices, "pong", {"n": 1})
    yield Say(updates, "no JSON")
    yield Hear(updates, "error", {"message": "Invalid JSON"})
    staff = me.rng.choice(me.cast.instructors)
    activity = me.activity()
    yield me.ask("PUT activities/{id}", by=staff, id=activity, body={"location": "Quadrangle"})
    yield Hear(updates, "update", {"resource": "activities", "action": "updated", "id": activity})
    admin = me.rng.choice(me.cast.admins)
    sent = yield me.ask("POST messaging/broadcast", by=admin, body={"message": f"Assembly {me.tag}"}, expected=CREATED)
    yield Hear(notices, "notification", {"message": sent["message"], "priority": "normal"})
