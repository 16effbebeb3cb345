"""Logging: one event a line, JSON in production, in colour on a terminal (structlog)."""

from __future__ import annotations

import logging
import sys
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from proxy.config.model import Logging


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
        factory = structlog.BytesLoggerFactory(sys.stdout.buffer)
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


class _ToStructlog(logging.Handler):
    """Libraries log through the standard library; their records become events like ours."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).log(
            record.levelno, "library", text=record.getMessage(), logger=record.name, exc_info=record.exc_info or None
        )
