"""`make demo`: exits 0 only if every claim held, and leaves var/demo/report.json."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from contextlib import suppress
from typing import NoReturn

from rich.console import Console

from stack.load import LoadGenerator, live_line
from stack.say import say
from stack.story.acts import Story
from stack.story.operator import Operator
from stack.story.report import Report
from stack.story.stage import HOME, Stage, stage

RATE = 60.0  # requests a second: two cores carry both backends, two databases, the edges, the shadow and the load
REPORT = HOME / "report.json"


async def perform(on: Stage, report: Report) -> None:
    """Tell the story on a stage that is up."""
    load = LoadGenerator(on.edge.url, rate=RATE, jwt_secret=on.backends.settings.jwt_secret)
    operator = Operator(on.environment, lambda text: say("operator", text))
    ticker = asyncio.create_task(_tick(load))
    try:
        await Story(on, operator, load, report, lambda text: say("story", text)).tell()
    finally:
        ticker.cancel()
        with suppress(asyncio.CancelledError):
            await ticker
        await load.stop()


async def _tick(load: LoadGenerator) -> None:
    """A live line: each second on a terminal, now and then in a log."""
    while True:
        await asyncio.sleep(1 if sys.stderr.isatty() else 10)
        if load.tally.total.classes.total():
            say("load", live_line(load.snapshot()))


def _interrupt(_signum: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    """Run the story; its exit status."""
    signal.signal(signal.SIGTERM, _interrupt)
    report, began = Report(), time.monotonic()
    try:
        with stage() as on:
            say("stage", f"edge {on.edge.url}, control {on.edge.control_url}", "+")
            asyncio.run(perform(on, report))
    except KeyboardInterrupt:
        report.claim("the story was told to its end", False, "interrupted")
    except Exception as error:
        report.claim("the story was told to its end", False, f"{type(error).__name__}: {error}")
    report.measures["seconds"] = round(time.monotonic() - began, 1)
    report.write(REPORT)
    console = Console(width=None if sys.stdout.isatty() else 140)
    report.show(console)
    told = "every claim held" if report.held else "NOT every claim held"
    console.print(f"{told}; {report.measures['seconds']} s; details in {REPORT.relative_to(HOME.parent.parent)}")
    return 0 if report.held else 1


if __name__ == "__main__":
    sys.exit(main())
