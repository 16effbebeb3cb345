"""What the model is made of: cells and lanes, the entries of the journal, the two backends."""

from __future__ import annotations

from dataclasses import dataclass, field

CELLS = ("a", "b/1", "b/2")
LANES = (("a",), ("b/1",), ("b/2",), ("b",), ("a", "b/1"))

# The legal moves of an entry (design.md section 4).
MOVES = {
    "intent": {"done", "failed", "unknown", "abandoned"},
    "unknown": {"done", "failed", "healed", "abandoned"},
    "done": {"applied", "diverged", "parked", "healed"},
    "diverged": {"healed", "skipped"},
    "parked": {"applied", "healed", "skipped"},
}
SETTLED = frozenset({"applied", "diverged", "healed", "skipped", "failed", "abandoned"})
UNDECIDED = frozenset({"intent", "unknown"})


def covers(lane: str, cell: str) -> bool:
    return cell == lane or cell.startswith(lane + "/")


def touched(lanes: tuple[str, ...]) -> list[str]:
    return [cell for cell in CELLS if any(covers(lane, cell) for lane in lanes)]


def truly_conflict(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two sets of lanes share a lane, an ancestor or a descendant; no mutant changes this one."""
    return any(covers(a, b) or covers(b, a) for a in one for b in other)


class Lost(Exception):
    """The protocol refuses a step: nothing happened."""


@dataclass(eq=False)
class Entry:
    op: int
    lanes: tuple[str, ...]
    epoch: int
    origin: str
    target: str
    after: int  # newest completion when it started
    create: bool = False
    leans: bool = False  # it uses what another lane holds when it lands
    silent: bool = False  # without that it answers "nothing to do" instead of refusing
    poison: bool = False  # the standby refuses it whatever happens
    both: bool = False  # its copy is followed by its rows
    copied: str = ""  # what the standby answered to that copy, which is never sent again
    state: str = "intent"
    completion: int | None = None
    horizon: int = 0  # newest number when it completed: all that may have been visible to it had started by then
    needs: int | None = None
    serial: int | None = None
    landed: bool = False
    uncertain: bool = False  # parked while a copy of it may have landed: sending it again could do it twice
    refused_at: int = -1  # progress when the standby last refused it


@dataclass
class Side:
    name: str
    ids: bool
    cells: dict[str, list[int]] = field(default_factory=lambda: {cell: [] for cell in CELLS})
    serials: dict[int, int] = field(default_factory=dict)
    sequence: int = 1
    tombstones: set[int] = field(default_factory=set)
    zombies: list[Entry] = field(default_factory=list)  # requests that nobody waits for and that may still land

    def has(self, op: int) -> bool:
        return any(op in cell for cell in self.cells.values())


@dataclass(eq=False)
class Sending:
    entry: Entry
    term: int
    landed: bool = False
    ahead: bool = False  # taken on before its turn: nothing of it was sent yet
