"""Spreads tables over a few threads, each with sessions of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Equipment = TypeVar("Equipment")
Result = TypeVar("Result")


def spread(
    items: Iterable[Item],
    jobs: int,
    equip: Callable[[ExitStack], Equipment],
    work: Callable[[Equipment, Item], Result],
) -> list[Result]:
    """The results of all items. The first failure is raised, once what the other threads have in hand is done."""
    waiting: SimpleQueue[Item] = SimpleQueue()
    for item in items:
        waiting.put(item)

    def run() -> list[Result]:
        results: list[Result] = []
        try:
            with ExitStack() as stack:
                equipment = equip(stack)
                while True:
                    results.append(work(equipment, waiting.get_nowait()))
        except Empty:
            return results
        except BaseException:
            _drain(waiting)
            raise

    with ThreadPoolExecutor(jobs, thread_name_prefix="rows") as pool:
        futures = [pool.submit(run) for _ in range(min(jobs, waiting.qsize()))]
    return [result for future in futures for result in future.result()]


def _drain(waiting: SimpleQueue[Item]) -> None:
    try:
        while True:
            waiting.get_nowait()
    except Empty:
        return
