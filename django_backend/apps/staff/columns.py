"""Which columns of a member of staff a client may write, and how each is read."""

from __future__ import annotations

from apps.staff.models import Staff
from common.columns import writable
from common.inputs import Reader, filled_text

WRITABLE: dict[str, Reader] = writable(Staff)
# What JavaScript takes for false is as good as not there.
REQUIRED = ("first_name", "last_name")
EMPLOYMENT: dict[str, Reader] = {**WRITABLE, **dict.fromkeys(REQUIRED, filled_text)}
