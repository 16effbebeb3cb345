"""Tells a person how far it is: rows per second and the time left."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import TaskID


class Progress(Protocol):
    """What the engine tells while it works; called from several threads."""

    def begin(self, what: str, total: int) -> None:
        """Something with that many rows begins."""

    def advance(self, what: str, rows: int) -> None:
        """So many more of its rows are through."""


class Silent:
    """Tells nobody."""

    def begin(self, what: str, total: int) -> None:
        """Nothing."""

    def advance(self, what: str, rows: int) -> None:
        """Nothing."""


class Bars:
    """One bar for each table in work; a finished one makes room. Use it inside `shown`."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        # On standard error: what a program reads goes to standard output.
        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
            TextColumn("{task.completed:,.0f} rows"), TextColumn("{task.fields[speed]}"), TimeRemainingColumn(),
            console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def begin(self, what: str, total: int) -> None:
        """A bar of its own."""
        with self._lock:
            self._tasks[what] = self._bars.add_task(what, total=total or None, speed="")

    def advance(self, what: str, rows: int) -> None:
        """A longer bar."""
        with self._lock:
            task = self._tasks[what]
            self._bars.advance(task, rows)
            speed = self._bars.tasks[self._bars.task_ids.index(task)].speed
            self._bars.update(task, speed=f"{speed:,.0f} rows/s" if speed else "")
            if self._bars.tasks[self._bars.task_ids.index(task)].finished:
                self._bars.update(task, visible=False)

    def shown(self) -> AbstractContextManager[object]:
        """While it is entered, the bars are on the screen."""
        return self._bars


def progress(watched: bool) -> tuple[Progress, AbstractContextManager[object]]:
    """Bars where a person watches, silence elsewhere; and what to enter while they are shown."""
    if not watched:
        return Silent(), nullcontext()
    bars = Bars()
    return bars, bars.shown()
