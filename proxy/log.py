"""Logging: one event a line, JSON in production, in colour on a terminal (structlog)."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
from typing import Any, BinaryIO, cast

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from proxy.config.model import Logging

_EVERY = 0.1  # seconds between two writes of what is waiting
_MOST_LINES = 200


def configure(settings: Logging, process: str) -> None:
    """Send structlog's events and the standard library's records to standard output, marked with `process`."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    console = settings.format == "console" or (settings.format == "auto" and sys.stdout.isatty())

    def mark(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mark,
    ]
    if console:
        factory: Any = structlog.PrintLoggerFactory()
        last: list[Processor] = [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
    else:
        factory = structlog.BytesLoggerFactory(cast(BinaryIO, _Lines(sys.stdout.fileno())))
        last = [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(serializer=_json)]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[_ToStructlog()], force=True)


def _json(event: Any, **_: Any) -> bytes:
    return orjson.dumps(event, default=str)


class _Lines:
    """Standard output that is written to ten times a second instead of once a line: under load a line costs a system
    call. What is warned of, and whatever the process says last, is written at once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: list[bytes] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._now_and_then, daemon=True, name="log").start()
        atexit.register(self.empty)

    def write(self, line: bytes) -> None:
        """Take a line; structlog's logger calls this from any thread."""
        with self._lock:
            self._waiting.append(line)
            full = len(self._waiting) >= _MOST_LINES
        if full or b'"level":"info"' not in line:
            self.empty()

    def flush(self) -> None:
        """Nothing: see `empty`."""

    def empty(self) -> None:
        """Write what is waiting."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            data = memoryview(b"".join(waiting))
            while data:
                data = data[os.write(self._descriptor, data) :]

    def _now_and_then(self) -> None:
        while True:
            time.sleep(_EVERY)
            if self._waiting:
                self.empty()


class _ToStructlog(logging.Handler):
    """Libraries log through the standard library; their records become events like ours."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).log(
            record.levelno, "library", text=record.getMessage(), logger=record.name, exc_info=record.exc_info or None
        )
