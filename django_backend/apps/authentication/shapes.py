"""The shapes of what this group answers that is the row of no table."""

from __future__ import annotations

from apps.authentication.models import User
from common.openapi.shapes import BOOLEAN, OPTIONAL_INTEGER, OPTIONAL_STRING, STRING, Shape, answered, columns_of

_USER: Shape = answered(
    {
        **columns_of(User, ["id", "username", "email", "role"]),
        "firstName": OPTIONAL_STRING,
        "lastName": OPTIONAL_STRING,
        "profilePic": OPTIONAL_STRING,
    }
)
LOGGED_IN: Shape = answered(
    {"token": STRING, "role": STRING, "user": _USER, "cadetId": OPTIONAL_INTEGER, "staffId": OPTIONAL_INTEGER}
)
_FLAG: Shape = {"type": ["boolean", "null"]}
SAVED: Shape = answered(
    {
        **dict.fromkeys(("emailAlerts", "pushNotifications", "activityUpdates", "darkMode", "compactMode"), _FLAG),
        "primaryColor": OPTIONAL_STRING,
    }
)
HEARD: Shape = answered({"ok": BOOLEAN})
