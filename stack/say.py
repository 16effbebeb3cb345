"""One coloured status line per event, on standard error."""

from __future__ import annotations

import os
import sys
import time

COLOURS = {"+": 32, "-": 90, "!": 31, "·": 36}


def say(name: str, text: str, mark: str = "·") -> None:
    """Print ``mark name text``; colours only for a terminal, and never with NO_COLOR."""
    stamp = time.strftime("%H:%M:%S")
    if sys.stderr.isatty() and "NO_COLOR" not in os.environ:
        line = f"\033[90m{stamp}\033[0m \033[{COLOURS.get(mark, 0)}m{mark} {name:<10}\033[0m {text}"
    else:
        line = f"{stamp} {mark} {name:<10} {text}"
    print(line, file=sys.stderr, flush=True)
