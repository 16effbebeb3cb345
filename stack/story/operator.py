"""Speaks to cutover as a person would: by its command line, with `--json`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any


class OperatorError(RuntimeError):
    """A command was refused or failed; the message is what it said."""


class Operator:
    """Runs `cutover …` against one deployment."""

    def __init__(self, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._environment = {**os.environ, **environment}
        self._say = say

    async def run(self, *words: str, quiet: bool = False) -> Any:
        """What the command answers, as data. Raises OperatorError when its exit status is not 0."""
        if not quiet:
            self._say("$ cutover " + " ".join(words))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "proxy.cli.main", *words, "--json",
            env=self._environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        if process.returncode != 0:
            raise OperatorError(_told(out, err))
        return json.loads(out)

    async def status(self) -> Any:
        """Where the release stands."""
        return await self.run("status", quiet=True)


def _told(out: bytes, err: bytes) -> str:
    """What a refused command said: its `message` where it is JSON, else all of it."""
    try:
        return str(json.loads(out or err)["message"])
    except (ValueError, KeyError, TypeError):
        return (err or out).decode(errors="replace").strip()


async def until(look: Callable[[], Any], seconds: float, what: str, every: float = 0.5) -> Any:
    """The first true thing that `look` (awaited) gives; raises OperatorError when it takes longer than `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        found = await look()
        if found:
            return found
        if loop.time() > deadline:
            raise OperatorError(f"{what}: not within {seconds:g} s")
        await asyncio.sleep(every)
