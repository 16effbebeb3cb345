"""One log line per event, as JSON for machines or plain for people, always with the id of the request."""

from __future__ import annotations

import logging
import re
from typing import Any, TypedDict

import structlog
from structlog.typing import EventDict, Processor

# A socket is opened with its token in the query, for a browser can send it no other way.
TOKEN = re.compile(r"(?<=[?&]token=)[^&\s'\"]*", re.IGNORECASE)


class Wishes(TypedDict):
    """From which level up to log, and whether a person is to read it."""

    level: str
    pretty: bool


def configure_logs(wishes: Wishes) -> None:
    """Send everything that this process logs to standard error. Django calls it at start with its setting LOGGING."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: Processor = structlog.dev.ConsoleRenderer() if wishes["pretty"] else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact_tokens,
                last,
            ],
        )
    )
    root = logging.getLogger()
    # Replaced, not added to: Django has set up handlers of its own, and every line would come twice.
    root.handlers = [handler]
    logging.getLogger("django").handlers = []
    root.setLevel(wishes["level"].upper())
    # A refused request is the client's affair, and the server's access log has it already.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def without_token(text: str) -> str:
    """A text in which a path with its query may stand, fit for a log."""
    return TOKEN.sub("[redacted]", text)


def redact_tokens(logger: Any, method: str, event: EventDict) -> EventDict:
    """Take tokens out of a line, also out of the request that Django adds to what it logs."""
    plain = {name: str(value) if name == "request" else value for name, value in event.items()}
    return {name: without_token(value) if isinstance(value, str) else value for name, value in plain.items()}
