"""Asks a dependency whether it answers, and never makes the caller wait for one that does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from threading import Lock


class Probe:
    """One question to one dependency, asked in a thread of its own.

    Callers who come while the question is under way share its answer. An answer is good for `fresh_for` seconds without
    asking again. While the next one is on its way the last one stands in, however old it is, for a busy machine is slow
    to ask; but for `stands_in` seconds only, for what is silent that long does not answer. Nor does what raises.
    """

    def __init__(self, question: Callable[[], bool], *, fresh_for: float = 0.0, stands_in: float = 15.0) -> None:
        self._question = question
        self._fresh_for = fresh_for
        self._stands_in = stands_in
        self._lock = Lock()
        # Made at the first question: threads do not survive the fork of a preloading server.
        self._thread: ThreadPoolExecutor | None = None
        self._answer: Future[bool] | None = None
        self._finding = False
        self._found_at = float("-inf")
        self._asked_at = float("-inf")

    def ask(self) -> None:
        """Put the question, unless it is under way or the last answer is still good."""
        with self._lock:
            under_way = self._answer is not None and not self._answer.done()
            if under_way or self._age() < self._fresh_for:
                return
            self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="probe")
            self._asked_at = time.monotonic()
            self._answer = self._thread.submit(self._find)

    def is_up(self, patience: float) -> bool:
        """The answer; after `patience` seconds without one, what was found last.

        Whoever comes when the question has been on its way for longer than that does not wait at all.
        """
        if self._answer is None:
            return False
        try:
            return self._answer.result(timeout=max(self._asked_at + patience - time.monotonic(), 0.0))
        except NotYet:
            return self._finding and time.monotonic() - self._asked_at < self._stands_in

    def _age(self) -> float:
        return time.monotonic() - self._found_at

    def _find(self) -> bool:
        try:
            finding = self._question()
        except Exception:
            # Whatever went wrong, the dependency did not answer, and that is all that was asked.
            finding = False
        self._finding, self._found_at = finding, time.monotonic()
        return finding


def ask_all(probes: Mapping[str, Probe], patience: float) -> dict[str, bool]:
    """Which of `probes` are up. They are asked at the same time, and share the patience."""
    for probe in probes.values():
        probe.ask()
    return {name: probe.is_up(patience) for name, probe in probes.items()}
