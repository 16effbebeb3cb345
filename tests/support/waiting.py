"""Waiting in tests: for a condition, never for a guess."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], within: float = 10.0) -> None:
    """Return once *condition* holds; fail if it does not in time."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.05)


async def eventually_true(condition: Callable[[], object], within: float = 10.0) -> None:
    """The same in a running event loop."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.005)


def is_running(pid: int) -> bool:
    """Whether a process runs (one that ended and was not collected yet does not)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def group_of(pid: int) -> list[int]:
    """The running members of a process group."""
    members = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.getpgid(int(name)) == pid and is_running(int(name)):
                members.append(int(name))
        except ProcessLookupError:
            continue
    return members
