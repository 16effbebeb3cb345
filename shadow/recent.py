"""A bounded memory of what happened lately."""

from __future__ import annotations

from collections import OrderedDict


class Recent:
    """Remembers names for `seconds`, and the newest `most` of them at the most."""

    def __init__(self, seconds: float, most: int = 2_000) -> None:
        self._seconds = seconds
        self._most = most
        self._added: OrderedDict[str, float] = OrderedDict()

    def add(self, name: str, now: float) -> None:
        """Remember a name from now on."""
        self._added[name] = now
        self._added.move_to_end(name)
        if len(self._added) > self._most:
            self._added.popitem(last=False)

    def has(self, name: str, now: float) -> bool:
        """Whether the name was added within the last `seconds`."""
        added = self._added.get(name)
        return added is not None and now - added <= self._seconds
