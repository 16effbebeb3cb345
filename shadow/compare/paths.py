"""Paths into JSON answers, such as `$.data[3].name`, and patterns over them, such as `$.data[*].name` or `$..name`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

Step = str | int
Path = tuple[Step, ...]


class Wild(Enum):
    """The steps of a pattern that stand for more than one step of a path."""

    ITEM = "[*]"  # any element of a list
    ANY = ".*"  # any field of an object
    DEEP = ".."  # any number of steps, also none


PatternStep = str | Wild

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_TOKEN = re.compile(
    r"(?P<deep>\.\.)(?P<deep_name>[A-Za-z_][A-Za-z0-9_-]*|\*)?"
    r"|\.(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<any>\.\*)|(?P<item>\[\*\])|\['(?P<quoted>(?:[^'\\]|\\.)*)'\]"
)
# Objects that are keyed by ids have as many paths as ids; in a pattern they are one.
_ID = re.compile(r"[0-9]+|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
PARTS = ("status", "body", "header.content-type", "header.location")
"""What a difference may be about besides a place in the JSON body; a rule names it literally."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parsed pattern. An empty one is `$`, the whole body."""

    steps: tuple[PatternStep, ...]

    def matches(self, path: tuple[PatternStep | int, ...]) -> bool:
        """Whether the pattern describes this path (steps into lists may be numbers or `Wild.ITEM`)."""
        reached = _closed({0}, self.steps)
        for step in path:
            reached = _closed({n for at in reached for n in _advanced(self.steps, at, step)}, self.steps)
            if not reached:
                return False
        return len(self.steps) in reached


def _closed(reached: set[int], steps: tuple[PatternStep, ...]) -> set[int]:
    """With every place that is reached without a step, because DEEP may stand for none."""
    waiting = list(reached)
    while waiting:
        at = waiting.pop()
        if at < len(steps) and steps[at] is Wild.DEEP and at + 1 not in reached:
            reached.add(at + 1)
            waiting.append(at + 1)
    return reached


def _advanced(steps: tuple[PatternStep, ...], at: int, step: PatternStep | int) -> list[int]:
    if at == len(steps):
        return []
    wanted = steps[at]
    if wanted is Wild.DEEP:
        return [at]
    in_list = isinstance(step, int) or step is Wild.ITEM
    fits = in_list if wanted is Wild.ITEM else not in_list and wanted in (Wild.ANY, step)
    return [at + 1] if fits else []


def parse(written: str) -> Pattern:
    """The pattern of a text. Raises ValueError that says what is accepted."""
    if not written.startswith("$"):
        raise ValueError(f"expected a JSON path such as $.data[*].name or $..name, or one of {', '.join(PARTS)}")
    steps: list[PatternStep] = []
    at = 1
    while at < len(written):
        token = _TOKEN.match(written, at)
        if token is None:
            raise ValueError(
                f"cannot read {written[at:]!r}: expected .name, ['any name'], [*] for any element of a list, "
                ".* for any field, or ..name for any depth"
            )
        steps += _steps(token)
        at = token.end()
    if steps and steps[-1] is Wild.DEEP:
        raise ValueError("expected a name after ..")
    return Pattern(tuple(steps))


def _steps(token: re.Match[str]) -> list[PatternStep]:
    if token["deep"]:
        name = token["deep_name"]
        return [Wild.DEEP] if name is None else [Wild.DEEP, Wild.ANY if name == "*" else name]
    if token["name"] is not None:
        return [token["name"]]
    if token["quoted"] is not None:
        return [re.sub(r"\\(.)", r"\1", token["quoted"], flags=re.DOTALL)]
    return [Wild.ANY if token["any"] else Wild.ITEM]


def checked(written: str) -> str:
    """The text itself if a rule may use it as a path. Raises ValueError otherwise."""
    if written not in PARTS:
        parse(written)
    return written


def path_text(path: Path) -> str:
    """A path as people read it: `$.data[3].name`."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else _name(step) for step in path)


def pattern_text(path: Path) -> str:
    """The pattern that a path belongs to: `$.data[*].name`. `parse` reads it, and it matches the path."""
    return "$" + "".join("[*]" if isinstance(s, int) else ".*" if _ID.fullmatch(s) else _name(s) for s in path)


def _name(name: str) -> str:
    if _PLAIN.fullmatch(name):
        return f".{name}"
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"
