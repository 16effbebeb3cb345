"""Reads the shadow's counters, so that a test can say how far one moved."""

from __future__ import annotations

from prometheus_client import REGISTRY


class Moved:
    """How far counters have moved since this was made. Counters belong to the process, not to one test."""

    def __init__(self) -> None:
        self._before = _read()

    def __call__(self, name: str, label: str = "") -> float:
        """For example `moved("cutover_mirror_total", "matched")`."""
        return _read().get((name, label), 0) - self._before.get((name, label), 0)

    def skips(self) -> dict[str, float]:
        """Every reason of a skip that was counted since."""
        return self._all("cutover_mirror_skipped_total")

    def verdicts(self) -> dict[str, float]:
        """Every verdict that was counted since."""
        return self._all("cutover_mirror_total")

    def _all(self, name: str) -> dict[str, float]:
        labels = [label for found, label in _read() if found == name]
        return {label: self(name, label) for label in labels if self(name, label)}


def _read() -> dict[tuple[str, str], float]:
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
    }
