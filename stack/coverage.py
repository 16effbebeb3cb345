"""Which operations were used, by whom, and with what kind of answer."""

from __future__ import annotations

from collections import Counter, defaultdict

from rich.table import Table

from stack.operations import OPERATIONS, ROLES
from stack.tally import CLASSES

Counts = dict[str, dict[str, dict[str, int]]]


class Coverage:
    """Answers counted by operation, role and class. Operations that nobody used are there too, with nothing."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))

    def count(self, operation: str, role: str, kind: str) -> None:
        """Count one."""
        self._counts[operation][role][kind] += 1

    def missing(self) -> list[tuple[str, str]]:
        """The operations that a role uses and that were not answered well for it even once."""
        good = ("1xx", "2xx", "3xx", "frame")
        return [
            (name, role)
            for name, operation in OPERATIONS.items()
            for role in operation.roles
            if not any(self._counts[name][role][kind] for kind in good)
        ]

    def snapshot(self) -> Counts:
        """Operation → role → class → how many; first those of the contract, in its order, then any others."""
        names = [*OPERATIONS, *sorted(set(self._counts) - set(OPERATIONS))]
        return {
            name: {role: dict(self._counts[name][role]) for role in ROLES if self._counts[name][role]} for name in names
        }


def coverage_table(counts: Counts) -> Table:
    """Operation × class, one column for each role with its counts as ``2xx 14  4xx 1``."""
    table = Table(title="operations by role: how many answers of which class")
    for name in ("operation", *ROLES):
        table.add_column(name, no_wrap=name == "operation")
    for operation, roles in counts.items():
        cells = ("  ".join(f"{kind} {roles[role][kind]}" for kind in CLASSES if kind in roles.get(role, {}))
                 for role in ROLES)  # fmt: skip
        table.add_row(operation, *cells)
    return table
