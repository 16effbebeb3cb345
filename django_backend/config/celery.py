"""The entry point of Celery's worker and beat: `celery -A config worker`, `celery -A config beat`."""

from __future__ import annotations

import logging
import os
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

app = Celery("rotc")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class WithoutArguments(logging.Filter):
    """Keeps what jobs were given out of the log: grades and names may be among it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.__dict__.pop("data", None)
        return True


for _name in ("celery.worker.strategy", "celery.app.trace"):
    logging.getLogger(_name).addFilter(WithoutArguments())


@signals.setup_logging.connect
def _logs_as_elsewhere(**_: Any) -> None:
    """Leave the logs to Django's settings: whoever connects here takes them out of Celery's hands."""


@signals.heartbeat_sent.connect
def _alive(**_: Any) -> None:
    """Renew the sign that health looks for. A heartbeat is sent only while the broker can be reached."""
    from common.jobs.signs import sign_of_life

    sign_of_life()
