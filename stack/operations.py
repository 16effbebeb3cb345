"""Every operation of docs/api.md and docs/websockets.md, and the roles that use it in the load."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

CADET, INSTRUCTOR, ADMIN, ANYBODY = "cadet", "training_staff", "admin", "anybody"
ROLES = (CADET, INSTRUCTOR, ADMIN, ANYBODY)
USER, STAFF = (CADET, INSTRUCTOR, ADMIN), (INSTRUCTOR, ADMIN)
WEBSOCKET = "WS"

# Method and path as the contract writes them → who does it. The contract's "user" is every role, its "self" the cadet.
_WHO: dict[str, tuple[str, ...]] = {
    "POST auth/login": (ANYBODY,),
    "POST auth/logout": USER, "GET auth/me": USER, "PUT auth/password": USER, "GET auth/settings": USER,
    "PUT auth/settings": USER, "POST auth/heartbeat": USER,
    "GET cadets": STAFF, "POST cadets": STAFF, "GET cadets/{id}": USER, "PUT cadets/{id}": USER,
    "PATCH cadets/{id}": USER, "DELETE cadets/{id}": (ADMIN,), "POST cadets/bulk/archive": STAFF,
    "POST cadets/bulk/restore": STAFF, "POST cadets/import": (ADMIN,), "GET cadets/me": (CADET,),
    "GET staff": STAFF, "POST staff": (ADMIN,), "GET staff/{id}": STAFF, "PUT staff/{id}": STAFF,
    "PATCH staff/{id}": STAFF, "DELETE staff/{id}": (ADMIN,), "POST staff/bulk/archive": (ADMIN,),
    "POST staff/bulk/restore": (ADMIN,), "POST staff/import": (ADMIN,), "GET staff/me": STAFF,
    "GET activities": USER, "POST activities": STAFF, "GET activities/{id}": USER, "PUT activities/{id}": STAFF,
    "DELETE activities/{id}": STAFF, "POST activities/{id}/participants": STAFF,
    "DELETE activities/{id}/participants/{cadet_id}": STAFF,
    "GET attendance/days": USER, "POST attendance/days": STAFF, "GET attendance/days/{id}": USER,
    "PUT attendance/days/{id}": STAFF, "DELETE attendance/days/{id}": STAFF,
    "GET attendance/days/{id}/records": STAFF, "POST attendance/mark": STAFF, "POST attendance/mark/bulk": STAFF,
    "POST attendance/scan": STAFF, "POST attendance/staff/mark": STAFF, "GET attendance/my-history": (CADET,),
    "GET attendance/excuse-letters": USER, "POST attendance/excuse-letters": USER,
    "PUT attendance/excuse-letters/{id}/status": STAFF,
    "GET grading/categories": USER, "POST grading/categories": (ADMIN,), "PUT grading/categories/{id}": (ADMIN,),
    "DELETE grading/categories/{id}": (ADMIN,), "GET grading/grades": USER, "POST grading/grades": STAFF,
    "PUT grading/grades/{id}": STAFF, "DELETE grading/grades/{id}": STAFF, "POST grading/grades/bulk": STAFF,
    "GET grading/cadets/{id}/summary": USER, "GET grading/cadets/{id}/ledger": USER, "GET grading/merit-logs": USER,
    "POST grading/merit-logs": STAFF, "DELETE grading/merit-logs/{id}": STAFF, "GET grading/leaderboard": USER,
    "POST files/upload": USER, "GET files": USER, "GET files/{id}": USER, "DELETE files/{id}": USER,
    "GET /uploads/{name}": (ANYBODY,),
    "POST reports": STAFF, "GET reports": STAFF, "GET reports/{id}": STAFF, "GET reports/{id}/download": STAFF,
    "GET messaging/rooms/{room}/messages": USER, "POST messaging/rooms/{room}/messages": USER,
    "GET messaging/notifications": USER, "PUT messaging/notifications/{id}/read": USER,
    "PUT messaging/notifications/read-all": USER, "DELETE messaging/notifications/{id}": USER,
    "POST messaging/broadcast": (ADMIN,), "POST messaging/push/subscribe": USER,
    "POST messaging/push/unsubscribe": USER,
    "GET system/audit-logs": (ADMIN,), "GET system/settings": USER, "PUT system/settings": (ADMIN,),
    "GET system/stats": STAFF,
    "WS /ws/notifications/": USER, "WS /ws/updates/": USER, "WS /ws/chat/{room_id}/": USER,
}  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One of them."""

    method: str
    template: str
    roles: tuple[str, ...]

    @property
    def name(self) -> str:
        """How the contract and the table of coverage call it."""
        return f"{self.method} {self.template}"


def _operation(name: str, roles: tuple[str, ...]) -> Operation:
    method, template = name.split(" ", 1)
    return Operation(method, template, roles)


OPERATIONS = {name: _operation(name, who) for name, who in _WHO.items()}


@cache
def _patterns() -> list[tuple[str, re.Pattern[str], str]]:
    # Literal paths before those with a place for an id: "cadets/me" is no cadet's id.
    ordered = sorted(OPERATIONS.values(), key=lambda operation: operation.template.count("{"))
    return [
        (operation.method, re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(operation.template))), operation.name)
        for operation in ordered
    ]


def operation_of(method: str, path: str) -> str:
    """The operation that a recorded request is of; its method and path where it is of none."""
    bare = path.removeprefix("/api/v1/")
    found = (name for verb, pattern, name in _patterns() if verb == method and pattern.fullmatch(bare))
    return next(found, f"{method} {path}")
