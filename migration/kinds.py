"""What a column can be: its type on either side, how a value goes over and comes back, and what cannot go over.

Transformations are SQL, so that rows never pass through Python. In their texts `$c` stands for the value as its side
has it, `$f` for the value after the transformation, `$zone` for the column's zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Side(Enum):
    """The two ends of a mapping. Which of them is copied from is the caller's business."""

    OLD = 0
    NEW = 1

    @property
    def other(self) -> Side:
        """The opposite end."""
        return Side.NEW if self is Side.OLD else Side.OLD


@dataclass(frozen=True)
class Way:
    """What to do with a value that cannot go over as it is: change it before, or after, the transformation."""

    before: str = "$c"
    after: str = "$f"


KEEP, NULL = Way(), Way(after="NULL")


@dataclass(frozen=True)
class Hazard:
    """Values that the other side cannot represent. They stop a copy unless a rule names one of the `ways`."""

    name: str
    found: str
    says: str
    ways: Mapping[str, Way] = field(default_factory=dict)
    note: bool = False
    # Found by canon.json_hazards, because SQL cannot tell; `found` says only which values a way has to change.
    parsed: bool = False


@dataclass(frozen=True)
class Kind:
    """A type on both sides, and the way between them."""

    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    forward: str = "$c"
    inverse: str = "$c"
    hazards: Mapping[Side, tuple[Hazard, ...]] = field(default_factory=dict)
    # What every value must look like where it is stored; verification reports any other.
    valid: Mapping[Side, str] = field(default_factory=dict)
    # What a key of this kind is cast to, and the number made of it by which rows are put into buckets.
    key_type: str = ""
    bucket: str = ""

    def types(self, side: Side) -> tuple[str, ...]:
        """The names that the type may have on that side."""
        return self.old if side is Side.OLD else self.new

    def crossing(self, side: Side) -> str:
        """The transformation of a value that leaves that side."""
        return self.forward if side is Side.OLD else self.inverse


def same(name: str, *types: str, key_type: str = "", bucket: str = "", hazards: tuple[Hazard, ...] = ()) -> Kind:
    """A kind that both sides store alike."""
    return Kind(name, types, types, hazards={Side.OLD: hazards, Side.NEW: hazards}, key_type=key_type, bucket=bucket)


_INTEGERS = ("integer", "bigint", "smallint")
_TEXTS = ("text", "character varying", "character")
_FIRST_BYTES = "('x' || left($c, 4))::bit(16)::int"

TEXT = same("text", *_TEXTS, key_type="text", bucket=_FIRST_BYTES.replace("$c", "md5($c)"))
INTEGER = same("integer", *_INTEGERS, key_type="bigint", bucket="$c")
BOOLEAN = same("boolean", "boolean")
NUMERIC = same("numeric", "numeric")
UUID = same("uuid", "uuid", key_type="uuid", bucket=_FIRST_BYTES.replace("$c", "$c::text"))

_ENDLESS = Hazard("infinity", "NOT isfinite($c)", "infinity cannot be read by Python", {"keep": KEEP, "null": NULL})


def _beyond(instant: str, first: str, end: str) -> Hazard:
    found = f"isfinite($c) AND ({instant} < {first} OR {instant} >= {end})"
    return Hazard("out_of_range", found, "Python knows the years 1 to 9999 only", {"keep": KEEP, "null": NULL})


_DAYS = ("date '0001-01-01'", "date '10000-01-01'")
DATE = Kind("date", ("date",), ("date",), hazards={Side.OLD: (_ENDLESS, _beyond("$c", *_DAYS))})

_NAIVE, _AWARE = ("timestamp without time zone",), ("timestamp with time zone",)
_YEARS = ("timestamptz '0001-01-01 00:00+00'", "timestamptz '10000-01-01 00:00+00'")
_CROSSED = "($c AT TIME ZONE $zone)"
_BACK = f"({_CROSSED} AT TIME ZONE $zone)"
# PostgreSQL takes the later of two instants that share a clock reading; these find the earlier one.
_EARLIER = " OR ".join(f"({_CROSSED} - interval '{step}') AT TIME ZONE $zone = $c" for step in ("1 hour", "30 minutes"))
_GAP = Hazard("gap", f"isfinite($c) AND {_BACK} <> $c",
              "this clock reading was skipped when clocks went forward", {"keep": KEEP})  # fmt: skip
_TWICE = Hazard("ambiguous", f"isfinite($c) AND {_BACK} = $c AND ({_EARLIER})",
                "this clock reading happened twice when clocks went back",
                {"later": KEEP, "earlier": Way(after="($f - interval '1 hour')")})  # fmt: skip
_FOLDED = Hazard("ambiguous", f"isfinite($c) AND {_BACK} <> $c",
                 "without its zone it would come back as another instant", {"keep": KEEP})  # fmt: skip

TIMESTAMP = Kind(
    "timestamp", _NAIVE, _AWARE, _CROSSED, _CROSSED,
    {Side.OLD: (_ENDLESS, _beyond(_CROSSED, *_YEARS), _GAP, _TWICE), Side.NEW: (_FOLDED,)},
)  # fmt: skip

# A JSON text inside a JSON string: somebody encoded twice. Such rows are legal, and shown.
_TWICE_ENCODED = r"""jsonb_typeof($c) = 'string' AND ($c #>> '{}') ~ '^\s*[\[{].*[\]}]\s*$'"""
_DOUBLE = Hazard("double_encoded", _TWICE_ENCODED, "a JSON text inside a JSON string", note=True)
JSONB = same("jsonb", "jsonb", hazards=(_DOUBLE,))

# An escape counts only behind an even number of backslashes.
_ESCAPE = r"(?<!\\)((?:\\\\)*)"
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"


def _rewrite(pattern: str, instead: str) -> Way:
    return Way(before=f"regexp_replace($c::text, '{pattern}', '{instead}', 'g')::json")


_LONE = f"{_ESCAPE}(?:(?:{_HIGH})(?!{_LOW})|(?<!{_HIGH})(?:{_LOW}))"
JSON = Kind(
    "json", ("json",), ("jsonb",), "$c::jsonb", "$c::text::json",
    {Side.OLD: (
        Hazard("nul", r"strpos($c::text, '\u0000') > 0", r"\u0000 is legal in json and not in jsonb",
               {"strip": _rewrite(_ESCAPE + r"\\u0000", r"\1"),
                "replace": _rewrite(_ESCAPE + r"\\u0000", r"\1\\ufffd")}, parsed=True),
        Hazard("surrogate", r"$c::text ~* '\\ud[89a-f]'", "half a surrogate pair is legal in json and not in jsonb",
               {"replace": _rewrite(_LONE, r"\1\\ufffd")}, parsed=True),
        Hazard("duplicate_keys", "TRUE", "jsonb keeps only the last of several equal keys", {"last": KEEP},
               parsed=True),
        Hazard("number", "TRUE", "a number is too large or too fine for jsonb", parsed=True),
        Hazard("double_encoded", "TRUE", "a JSON text inside a JSON string", note=True, parsed=True),
    ), Side.NEW: (_DOUBLE,)},
)  # fmt: skip
