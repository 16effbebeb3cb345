"""How many people there are, and which ids belong together, at any scale.

A block is one school of production size. Scale N is N blocks; ids run block after block, so that block one
(the only one at scale 1) looks the same at every scale and its ids may be written down in tests and in the load.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

SEED = 20240805
CADETS, STAFF, ADMINS = 290, 13, 3
USERS = STAFF + CADETS

# The last cadets of block one are archived, and the load writes to them alone: no compared read ever shows them.
RESERVED_CADETS = range(271, 291)
SEMESTER_STARTS = datetime(2024, 8, 3)
DAY_SECONDS = 86_400


class Login(NamedTuple):
    """Somebody who is known by name in tests, in the load and on the screen."""

    user_id: int
    username: str
    password: str
    role: str
    cadet_id: int | None
    staff_id: int | None


ADMIN = Login(1, "admin", "Parade-Ground-1", "admin", None, None)
TRAINING_STAFF = Login(4, "instructor", "Left-Face-Right", "training_staff", None, 4)
CADET = Login(14, "cadet", "Tanglaw2024!", "cadet", 1, None)
KNOWN_LOGINS = (ADMIN, TRAINING_STAFF, CADET)
KNOWN_BY_ID = {login.user_id: login for login in KNOWN_LOGINS}


def dice(table: str, row: int) -> Random:
    """The source of chance of one row: any row can be made again without making the ones before it."""
    return Random(f"{SEED}/{table}/{row}")


def ids(per_block: int, scale: int) -> Iterator[int]:
    """All ids of a kind of people."""
    return iter(range(1, per_block * scale + 1))


def user_of_cadet(cadet: int) -> int:
    """The account of a cadet."""
    block, index = divmod(cadet - 1, CADETS)
    return block * USERS + STAFF + index + 1


def user_of_staff(staff: int) -> int:
    """The account of a member of staff (the first of a block never got one, its place is the first admin's)."""
    block, index = divmod(staff - 1, STAFF)
    return block * USERS + index + 1


def cadet_of_user(user: int) -> int | None:
    """The cadet behind an account, None for staff."""
    block, index = divmod(user - 1, USERS)
    return block * CADETS + index - STAFF + 1 if index >= STAFF else None


def staff_of_user(user: int) -> int | None:
    """The member of staff behind an account, None for cadets and for the first admin."""
    block, index = divmod(user - 1, USERS)
    return block * STAFF + index + 1 if 0 < index < STAFF else None


def role_of_user(user: int) -> str:
    """The role of an account."""
    index = (user - 1) % USERS
    if index < ADMINS:
        return "admin"
    return "training_staff" if index < STAFF else "cadet"


def instructor(rng: Random) -> int:
    """The account of some member of block one's training staff."""
    return rng.randint(ADMINS + 1, STAFF)


def moment(rng: Random, day: float = 0.0, spread: float = 120.0) -> datetime:
    """An instant (UTC, naive) in the semester: some to the second, some to the millisecond, most to the microsecond."""
    instant = SEMESTER_STARTS + timedelta(days=day, seconds=rng.random() * spread * DAY_SECONDS)
    precision = rng.choice((1, 1000, 1_000_000, 1, 1))
    return instant.replace(microsecond=instant.microsecond // precision * precision)
