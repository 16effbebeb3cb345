"""Names and places for made-up people."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

MALE = (
    "Juan", "José", "Miguel", "Gabriel", "Angelo", "Mark Anthony", "John Paul", "Christian", "Joshua", "Emilio",
    "Andrés", "Rafael", "Jericho", "Kenneth", "Nathaniel", "Rommel", "Carlo", "Dominic", "Elmer", "Francis",
)  # fmt: skip
FEMALE = (
    "Maria", "Ma. Cristina", "Angelica", "Nicole", "Princess", "Althea", "Jasmine", "Kristine Joy", "Bea", "Camille",
    "Rosario", "Lourdes", "Hazel", "Mary Grace", "Trisha", "Patricia", "Danica", "Erica", "Liwayway", "Sofía",
)  # fmt: skip
LAST = (
    "Santos", "Reyes", "Cruz", "Bautista", "Ocampo", "García", "Mendoza", "Torres", "Flores", "Villanueva",
    "Dela Cruz", "De los Santos", "Peñaflor", "Muñoz", "O'Brien", "Aquino", "Navarro", "Salazar", "Macaraeg",
    "Pangilinan",
    "Lim", "Tan", "Uy", "Zamora", "Ybañez", "Dimaculangan", "Quiñones", "Evangelista", "Catacutan", "Abad",
)  # fmt: skip
SUFFIXES = (None, None, None, None, None, None, "Jr.", "III", "")
TOWNS = (
    "Brgy. San Isidro, Maasin City", "Purok 3, Sogod, Southern Leyte", "123 Rizal St.,\nTomas Oppus",
    "Bontoc\tSo. Leyte",
    "\"Villa\" Subd., Macrohon", "C:\\homes\\Liloan", "Brgy. Sto. Niño, Hinunangan", "", "Padre Burgos 🏠",
)  # fmt: skip


class Person(NamedTuple):
    """Who somebody is."""

    first: str
    middle: str | None
    last: str
    suffix: str | None
    gender: str


def person(rng: Random) -> Person:
    """Make somebody up."""
    gender = rng.choice(("Male", "Female"))
    return Person(
        first=rng.choice(MALE if gender == "Male" else FEMALE),
        middle=rng.choice((*LAST[:12], None, "")),
        last=rng.choice(LAST),
        suffix=rng.choice(SUFFIXES),
        gender=gender if rng.random() < 0.95 else gender.lower(),
    )


def picture(rng: Random, number: int) -> str | None:
    """A picture's URL in one of its four forms, '' or nothing."""
    return rng.choice((
        None, "", f"https://res.cloudinary.com/rotc/image/upload/v17{number:08d}/p{number}.jpg",
        f"/uploads/p{number}.png",
        f"/opt/render/project/src/server/uploads/p{number}.jpg", "data:image/png;base64,iVBORw0KGgo=", None,
    ))  # fmt: skip


def phone(rng: Random) -> str | None:
    """A mobile number the way people type it."""
    digits = f"{rng.randint(0, 999_999_999):09d}"
    return rng.choice((f"09{digits}", f"+63 9{digits[:2]} {digits[2:5]} {digits[5:]}", None, ""))
