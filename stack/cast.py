"""Who the load pretends to be: a few people who log in, and some three hundred with tokens of our own making."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

import jwt

from stack.sample.accounts import is_active, is_approved
from stack.sample.passwords import password_of_user
from stack.sample.population import (
    CADETS,
    KNOWN_LOGINS,
    RESERVED_CADETS,
    USERS,
    cadet_of_user,
    role_of_user,
    staff_of_user,
    user_of_cadet,
)

WEEK = 7 * 24 * 3600


@dataclass
class Client:
    """One signed-in person."""

    user_id: int
    role: str
    cadet_id: int | None
    token: str


def mint(secret: str, user: int, *, green: bool = False, age: int = 0) -> str:
    """A token as Node signs it, or, *green*, as Django does: each side must take both. *age* in seconds."""
    now = int(time.time()) - age
    claims = {"id": user, "role": role_of_user(user), "cadetId": cadet_of_user(user), "staffId": staff_of_user(user)}
    extra = {"user_id": user} if green else {}
    return jwt.encode({**claims, **extra, "iat": now, "exp": now + WEEK}, secret, algorithm="HS256")


def client_of(secret: str, user: int) -> Client:
    """Somebody with a token of ours: every second one looks like Django's."""
    return Client(user, role_of_user(user), cadet_of_user(user), mint(secret, user, green=user % 2 == 0))


class Cast:
    """All clients, by what they may do. Writers own the reserved cadets; what they change nobody else reads."""

    def __init__(self, secret: str, clients: int = USERS) -> None:
        reserved = {user_of_cadet(cadet) for cadet in RESERVED_CADETS}
        # Nobody holds a token whom a login would refuse.
        fit = (user for user in range(1, USERS + 1) if is_active(user) and is_approved(user))
        people = [client_of(secret, user) for user in fit]
        self._secret, self._by_id = secret, {client.user_id: client for client in people}
        self.admins = [client for client in people if client.role == "admin"]
        self.instructors = [client for client in people if client.role == "training_staff"]
        self.staff = [client for client in people if client.role != "cadet"]
        self.writers = [client for client in people if client.user_id in reserved]
        cadets = [client for client in people if client.role == "cadet" and client.user_id not in reserved]
        self.cadets = cadets[: max(1, clients - len(self.staff) - len(self.writers))]
        self.everyone = self.staff + self.cadets

    def adopt(self, user: int, token: str) -> None:
        """From now on this person uses a token that a backend gave out."""
        self._by_id[user].token = token

    def expired(self, client: Client) -> str:
        """A token of this person's that was good until a day ago."""
        return mint(self._secret, client.user_id, age=WEEK + 24 * 3600)

    def person(self, user: int) -> Client:
        """Somebody by account."""
        return self._by_id[user]

    def of_role(self, role: str) -> list[Client]:
        """Everybody who may log in and has this role, but for the owners of reserved cadets."""
        return {"admin": self.admins, "training_staff": self.instructors, "cadet": self.cadets}[role]


def credentials(rng: Random) -> tuple[str, str]:
    """Somebody known, who may log in."""
    login = rng.choice(KNOWN_LOGINS)
    assert password_of_user(login.user_id) == login.password
    return login.username, login.password


def readable_cadet(rng: Random) -> int:
    """A cadet of block one that the load never writes to."""
    return rng.randrange(1, CADETS - len(RESERVED_CADETS) + 1)
