"""Cadets, staff and their accounts, with everything that years of spreadsheets left in those columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from stack.sample.names import TOWNS, Person, person, phone, picture
from stack.sample.passwords import stored_by_node
from stack.sample.population import (
    CADETS,
    KNOWN_BY_ID,
    RESERVED_CADETS,
    STAFF,
    USERS,
    cadet_of_user,
    dice,
    ids,
    moment,
    role_of_user,
    staff_of_user,
)
from stack.sample.table import Row

COURSES = ("BSIT", "BSED", "BEED", "BSCrim", "BS Marine Eng'g", "BSHM", "bsit", None)
YEARS = ("1st Year", "2nd Year", "2nd Year", "3rd Year", "2nd year ", "4th Year", None)
COMPANIES = ("Alpha", "Bravo", "Charlie", "Delta", "HQ")
STATUSES = ("Ongoing",) * 12 + ("Verified", "Completed", "Incomplete", "Dropped", None)


def _email(rng: Random, who: Person, number: int) -> str | None:
    # '' many times, NULL, and the same address twice: nothing of it is unique.
    name = f"{who.first.split()[0]}.{who.last.replace(' ', '')}".lower()
    return rng.choice((f"{name}{number}@msu-snd.example", f"{name.title()}{number}@Gmail.Example", "", "", None,
                       "cadet@msu-snd.example"))  # fmt: skip


def _archived(rng: Random, cadet: int) -> bool | None:
    if cadet in RESERVED_CADETS:
        return True
    # The column came late: rows from before hold NULL, which counts as not archived.
    return rng.choice((False,) * 12 + (None,) * 6 + (True,)) if cadet > 1 else False


def cadets(scale: int) -> Iterator[Row]:
    """Every cadet."""
    for cadet in ids(CADETS, scale):
        rng = dice("cadets", cadet)
        who, made = person(rng), moment(rng, -60, 55)
        born = date(2001, 1, 1) + timedelta(days=rng.randrange(2200))
        yield (
            cadet, rng.choice(("Cdt", "Cdt Pvt", "Cdt Sgt", None)), who.first, who.middle, who.last, who.suffix,
            _email(rng, who, cadet), phone(rng), rng.choice(TOWNS), rng.choice(COURSES), rng.choice(YEARS),
            rng.choice(("2024-2025", "2024 - 2025", None)), rng.choice(("1st", "2nd", None)), rng.choice(COMPANIES),
            str(rng.randint(1, 3)), f"MS{rng.choice((1, 2, 31, 32, 41, 42))}",
            rng.choice(("1st Semester", "2nd", None)),
            rng.choice((None,) * 8 + ("Platoon Leader", "S3")), who.gender,
            rng.choice(("Roman Catholic", "Islam", "", None)),
            born if rng.random() < 0.9 else None, rng.choice(STATUSES), f"20{rng.randint(20, 24)}-{cadet:05d}",
            picture(rng, cadet), rng.choice((True, True, False, None)), _archived(rng, cadet),
            made, moment(rng, 0) if rng.random() < 0.8 else None,
        )  # fmt: skip


def _age_and_birthday(rng: Random) -> tuple[str | None, int | None]:
    born = date(1970, 1, 1) + timedelta(days=rng.randrange(9000))
    text = rng.choice((born.isoformat(), f"{born:%B} {born.day}, {born.year}", f"{born:%m/%d/%Y}", "", None))
    return text, rng.choice((2024 - born.year, None))


def staff(scale: int) -> Iterator[Row]:
    """Every member of staff."""
    for number in ids(STAFF, scale):
        rng = dice("staff", number)
        who, made = person(rng), moment(rng, -200, 100)
        birthday, age = _age_and_birthday(rng)
        email = f"{who.last.replace(' ', '').lower()}{number}@msu-snd.example" if number % 4 else None
        yield (
            number, rng.choice(("Sgt", "1LT", "CPT", "MAJ", None)), who.first, who.middle, who.last, who.suffix, email,
            phone(rng), rng.choice(("Instructor", "Commandant", "Tactical NCO", "Admin NCO")),
            rng.choice((f"O-{number:06d}", None)), birthday, age, rng.choice(("5'7\"", "170 cm", None)),
            rng.choice(("70kg", "154 lbs", None)), rng.choice(("O+", "A-", "AB", None)), rng.choice(TOWNS),
            rng.choice(("Single", "Married", None)), "Filipino", who.gender, rng.choice((True, False, None)),
            rng.choice((False,) * 9 + (True, None)), made, moment(rng, 0) if rng.random() < 0.5 else None,
        )  # fmt: skip


def _who_is(user: int) -> Person:
    cadet, member = cadet_of_user(user), staff_of_user(user)
    if cadet is not None:
        return person_of("cadets", cadet)
    return person_of("staff", member) if member is not None else person(dice("users", user))


def person_of(table: str, number: int) -> Person:
    """The same person that the row of *table* was made with."""
    return person(dice(table, number))


def _is_plain(user: int) -> bool:
    """Staff, and those whom tests and the load need, have accounts in good order."""
    return role_of_user(user) != "cadet" or user in KNOWN_BY_ID or cadet_of_user(user) in RESERVED_CADETS


def is_active(user: int) -> bool:
    """Some cadets' accounts were deactivated."""
    return _is_plain(user) or user % 47 != 0


def is_approved(user: int) -> bool:
    """Some cadets' accounts still wait for approval."""
    return _is_plain(user) or user % 31 != 0


def users(scale: int) -> Iterator[Row]:
    """Every account: cadets, staff, admins."""
    for user in ids(USERS, scale):
        rng, who, role = dice("users", user), _who_is(user), role_of_user(user)
        known = KNOWN_BY_ID.get(user)
        name = f"{who.first[0]}{who.last}".lower().replace(" ", "").replace("'", "") + str(user)
        made = moment(rng, -60, 60)
        yield (
            user, known.username if known else rng.choice((name, name, name.upper())), _email(rng, who, user),
            stored_by_node(user), role, who.first, who.last, is_active(user), role != "cadet",
            int(is_approved(user)), cadet_of_user(user), staff_of_user(user), picture(rng, user),
            moment(rng, 90, 30) if rng.random() < 0.7 else None, made, moment(rng) if rng.random() < 0.6 else None,
        )  # fmt: skip


def user_settings(scale: int) -> Iterator[Row]:
    """Preferences of every third account; the others live with the defaults, and one row holds NULLs."""
    for user in ids(USERS, scale):
        rng = dice("user_settings", user)
        if user % 3 == 0:
            flags = [rng.random() < 0.7 for _ in range(5)] if user % 90 else [None] * 5
            yield (user, *flags, rng.choice(("blue", "green", "#1e3a8a", None)))
