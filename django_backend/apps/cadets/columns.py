"""Which columns of a cadet a client may write, and how each is read."""

from __future__ import annotations

from apps.cadets.models import Cadet
from common.columns import writable
from common.inputs import Reader, filled_text

WRITABLE: dict[str, Reader] = writable(Cadet)
# Without these nobody is enrolled. What JavaScript takes for false is as good as not there.
REQUIRED = ("first_name", "last_name", "student_id")
ENROLMENT: dict[str, Reader] = {**WRITABLE, **dict.fromkeys(REQUIRED, filled_text)}
