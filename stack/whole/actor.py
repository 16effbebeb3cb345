"""Somebody on an errand, and the steps that an errand is made of."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote

from stack.cast import Cast, Client
from stack.operations import OPERATIONS
from stack.request import Content, Request
from stack.sample.population import RESERVED_CADETS, STAFF, staff_of_user
from stack.sample.training import ACTIVITIES, DAYS

OK = frozenset({200})
CREATED = frozenset({200, 201})
# Of a row that somebody may have removed meanwhile: Node says that it worked, Django that it is not there.
MAYBE_GONE = frozenset({200, 404})
REFUSED = frozenset({400, 500})
NOBODY = 999_999_999  # an id that no row has


@dataclass(frozen=True)
class Opened:
    """A connection that an errand holds: which one, of which operation, and whose."""

    number: int
    operation: str
    role: str


@dataclass(frozen=True)
class Open:
    """Open a WebSocket and wait for `connected`, or, with *closes*, for that close code."""

    operation: str
    path: str
    client: Client
    token: str | None = None
    closes: int | None = None


@dataclass(frozen=True)
class Say:
    """Send a frame: an object as JSON, anything else as it is."""

    socket: Opened
    frame: Any


@dataclass(frozen=True)
class Hear:
    """Wait for a frame of this type whose data holds all of *holding*; others before it are passed over."""

    socket: Opened
    kind: str
    holding: Mapping[str, Any] = field(default_factory=dict)


# A list of requests is sent at once, by several people or by one with two windows.
Step = Request | list[Request] | Open | Say | Hear
# Each step's answer comes back from its `yield`: the JSON of a request (its bytes where it is none; None where a unique
# value was taken), the answers of a list, the `Opened` of an Open, the data of a frame heard.
Journey = Generator[Step, Any, None]


@dataclass
class Actor:
    """Who asks, with a source of chance of its own, so that what others do changes nothing about this errand."""

    client: Client
    cast: Cast
    rng: Random
    tag: str  # unique within a run, and the same in every run of its seed

    def ask(
        self, operation: str, *, query: dict[str, str] | None = None, body: Any = None, content: Content | None = None,
        expected: frozenset[int] = OK, by: Client | None = None, anonymous: bool = False, target: str | None = None,
        value: Any = None, may_be_taken: bool = False, token: str | None = None, bad: bool = False, **ids: Any,
    ) -> Request:  # fmt: skip
        """A request for an operation by its name in docs/api.md, as this person or *by* another one."""
        known = OPERATIONS[operation]
        path = known.template.format(**{name: quote(str(value), safe="") for name, value in ids.items()})
        client = None if anonymous else by or self.client
        return Request(
            known.method, path, client, query or {}, body, expected, target, value, operation, content, token,
            may_be_taken, bad,
        )  # fmt: skip

    def open(
        self, operation: str, client: Client | None = None, *, token: str | None = None, closes: int | None = None,
        **ids: Any,
    ) -> Open:  # fmt: skip
        """A step that opens one of the WebSockets."""
        path = OPERATIONS[operation].template.format(
            **{name: quote(str(value), safe="") for name, value in ids.items()}
        )
        return Open(operation, path, client or self.client, token, closes)

    @property
    def is_staff(self) -> bool:
        """Whether this person may see everybody."""
        return self.client.role != "cadet"

    @property
    def staff_id(self) -> int | None:
        """This person's row of staff."""
        return staff_of_user(self.client.user_id)

    def colleague(self) -> Client:
        """Another member of staff."""
        return self.rng.choice([one for one in self.cast.staff if one is not self.client])

    def day(self) -> int:
        """A training day that nobody ever removes."""
        return self.rng.randint(1, DAYS)

    def activity(self) -> int:
        """An activity that nobody ever removes."""
        return self.rng.randint(1, ACTIVITIES)

    def member(self) -> int:
        """A member of staff of the sample, whom nobody ever archives."""
        return self.rng.randint(1, STAFF)

    def cadet(self) -> int:
        """A cadet whom nobody archives, and whose marks and grades of the sample no two people contest."""
        return self.rng.randrange(1, RESERVED_CADETS[0])

    def contested(self) -> int:
        """A cadet whose row, marks and grades several people write to at once."""
        return self.rng.choice(RESERVED_CADETS)


def page(rng: Random) -> dict[str, str]:
    """Which part of a list somebody looks at."""
    return {"page": str(rng.choice((1, 1, 1, 2, 3))), "limit": str(rng.choice((10, 20, 20, 50, 100)))}
