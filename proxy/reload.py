"""A changed configuration file is applied without a restart where that is safe, and says so where it is not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

import structlog

from proxy.config import Config, read
from proxy.errors import ConfigError

log = structlog.get_logger("config")

INTERVAL = 0.5  # seconds between two looks at the file
HOT = frozenset({
    "routes", "ignore_case", "sticky", "mirror", "compare",
    "fallback_after", "debug_header", "trusted_proxies",
})  # fmt: skip


def merged(running: Config, wanted: Config) -> tuple[Config, list[str]]:
    """(`running` with those parts of `wanted` that can change now, the names of the parts that need a restart)."""
    changed = [f.name for f in fields(running) if getattr(running, f.name) != getattr(wanted, f.name)]
    hot = {name: getattr(wanted, name) for name in changed if name in HOT}
    return replace(running, **hot), [name for name in changed if name not in HOT]


async def follow(path: Path, config: Config, use: Callable[[Config], None], stop: asyncio.Event) -> None:
    """Call `use` with the new configuration whenever the file changes and is right; a wrong file changes nothing."""
    seen = _stamp(path)
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), timeout=INTERVAL)
        stamp = _stamp(path)
        if stamp == seen:
            continue
        seen = stamp
        try:
            wanted = read(path, os.environ)
        except ConfigError as error:
            log.error("config_refused", mistakes=list(error.mistakes), hint="the running configuration stays in force")
            continue
        config, needs_restart = merged(config, wanted)
        use(config)
        log.info("config_applied", needs_restart=needs_restart)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
