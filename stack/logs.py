"""Log files that cannot fill the disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LIMIT = 5 * 1024 * 1024


def shorten(path: Path, limit: int = LIMIT) -> bool:
    """Move a log that grew past *limit* to ``<name>.1`` by copying: its writer appends, and goes on at the start."""
    if not path.exists() or path.stat().st_size <= limit:
        return False
    shutil.copyfile(path, path.with_name(path.name + ".1"))
    os.truncate(path, 0)
    return True


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a log; empty if there is none."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64 * 1024))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
