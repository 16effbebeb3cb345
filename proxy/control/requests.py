"""What may be asked of the control API: the bodies and the queries, each checked in full before anything is done."""

from __future__ import annotations

from typing import Annotated, TypeVar

import orjson
from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from proxy.control.operations import By
from proxy.control.problems import Invalid
from shadow.values import Percent

B = TypeVar("B", bound=BaseModel)
NO_REASON = "no reason given"
WHO_HEADER = "X-Cutover-Who"


def _printable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a NUL character cannot be kept")
    return text.strip()


Text = Annotated[str, Field(max_length=500), AfterValidator(_printable)]
Lane = Annotated[str, Field(max_length=500, pattern=r"^$|^[^/]+(/[^/]+)*$"), AfterValidator(_printable)]
Key = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable), Field(min_length=1)]


class Asked(BaseModel):
    """What every change may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    reason: Text = ""


class WeightAsked(Asked):
    """PUT /api/weight: `share` of the standby, or `weights` by name. `share: null` takes a route's own share away."""

    share: Percent | None = None
    weights: dict[str, Percent] | None = None
    route: str | None = None


class PinAsked(Asked):
    """PUT /api/pins."""

    key: Key
    backend: str


class UnpinAsked(Asked):
    """DELETE /api/pins."""

    key: Key


class StartAsked(Asked):
    """POST /api/start."""

    empty: bool = False


class RearmAsked(Asked):
    """POST /api/rearm: here the reason is required."""

    reason: Annotated[Text, Field(min_length=1)]


class SkipAsked(Asked):
    """POST /api/journal/entries/{number}/skip: here the reason is required."""

    reason: Annotated[Text, Field(min_length=1)]


class HealAsked(Asked):
    """POST /api/journal/heal: one lane with all below it; the empty one is everything."""

    lane: Lane


class EraseAsked(Asked):
    """POST /api/journal/erase."""

    client: Key


async def body(request: web.Request, kind: type[B]) -> B:
    """The body of a request, read and checked. Raises Invalid with every mistake."""
    raw = await request.read()
    try:
        document = orjson.loads(raw) if raw.strip() else {}
        return kind.model_validate(document)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"the body is not JSON: {error}") from error
    except ValidationError as error:
        problem = Invalid("; ".join(_explained(one["loc"], one["msg"]) for one in error.errors(include_url=False)))
        problem.details = {"fields": [".".join(map(str, one["loc"])) for one in error.errors(include_url=False)]}
        raise problem from error


def by(request: web.Request, reason: str, role: str) -> By:
    """Who asks for a change, why, and on which version of the state. Raises Invalid."""
    named = "".join(c for c in request.headers.get(WHO_HEADER, "") if c.isprintable())[:64].strip()
    dry = request.query.get("dry_run", "0")
    if dry not in ("0", "1", "false", "true"):
        raise Invalid(f"dry_run: expected 1 or 0, got {dry!r}")
    who = f"{role} {named}" if named else role
    return By(who, reason or NO_REASON, _version(request), dry in ("1", "true"))


def number(request: web.Request, name: str, default: int, most: int) -> int:
    """A whole number of the query. Raises Invalid."""
    written = request.query.get(name, str(default))
    if not written.isascii() or not written.isdigit() or int(written[:19]) > most:
        raise Invalid(f"{name}: expected a whole number up to {most}, got {written[:30]!r}")
    return int(written)


def _version(request: web.Request) -> int | None:
    written = request.headers.get("If-Match", "*").strip()
    if written == "*":
        return None
    bare = written.strip('"')
    if not bare.isascii() or not bare.isdigit():
        raise Invalid(f'If-Match: expected the version of the state, such as "12", got {written[:30]!r}')
    return int(bare[:18])


def _explained(where: tuple[int | str, ...], told: str) -> str:
    name = ".".join(str(part) for part in where)
    told = told.removeprefix("Value error, ")
    return f"{name}: {told}" if name else told
