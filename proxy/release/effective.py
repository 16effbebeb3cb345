"""The weight that clients really got: what was asked for, less what was held home."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sums by name."""
    sums: dict[str, int] = {}
    for one in counts:
        for name, number in one.items():
            sums[name] = sums.get(name, 0) + number
    return sums


def effective_weights(answered: Mapping[str, int], names: Iterable[str]) -> dict[str, float] | None:
    """Percent of the weighted reads by the backend that answered; None where there were none."""
    reads = sum(answered.values())
    return {name: 100.0 * answered.get(name, 0) / reads for name in names} if reads else None
