"""Makes reports behind the answer that took the order. This file is all that a task queue would replace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import structlog
from django.db import connection
from django.utils import timezone

from apps.reports.models import Report
from common.copies.effects import after_commit
from common.exceptions import ApplicationError

log = structlog.get_logger(__name__)


def report_start(report_id: str) -> None:
    """Have a report made, once its order is committed."""
    after_commit("report", lambda: _queue().submit(_made_in_thread, report_id))


def generate_report(report_id: str) -> str:
    """Make the report with this id, and say `success` or `failed`. Whatever goes wrong is logged, and in its status."""
    # Only now: what orders reports imports this file.
    from apps.reports.services import report_fail, report_make

    report = Report.objects.get(pk=report_id)
    try:
        report_make(report=report, now=timezone.now())
    except ApplicationError as refusal:
        log.warning("a report was refused", report=report_id, type=report.type, reason=refusal.message)
    except Exception:
        log.exception("a report could not be made", report=report_id, type=report.type)
    else:
        return "success"
    report_fail(report=report)
    return "failed"


def _made_in_thread(report_id: str) -> None:
    try:
        generate_report(report_id)
    except Exception:
        # Nobody asks a thread what became of it.
        log.exception("a report was left as it is", report=report_id)
    finally:
        # The connection belongs to the thread, which no request cleans up after.
        connection.close_if_unusable_or_obsolete()


@cache
def _queue() -> ThreadPoolExecutor:
    # Made at the first order, for threads do not survive the fork of a preloading server. One: a report reads the
    # whole corps, and nobody waits for it.
    return ThreadPoolExecutor(1, thread_name_prefix="reports")
