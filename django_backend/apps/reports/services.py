"""Takes orders for reports, and makes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.files.services import file_create
from apps.grading.standings import standings_of_corps
from apps.messaging.services import notification_create
from apps.reports.csv_text import csv_bytes
from apps.reports.models import Report
from apps.reports.pdf import pdf_bytes
from apps.reports.tables import report_lines
from common.inputs import text
from common.jobs.queue import queue
from common.rows import row_create
from common.uploads import Upload

MIME_TYPES = {"csv": "text/csv", "pdf": "application/pdf"}


@transaction.atomic
def report_create(
    *, type: str, params: dict[str, Any] | None, requested_by: int | None, now: datetime
) -> dict[str, Any]:
    """Order a report and answer the row. It is made after that, and whoever ordered it is told."""
    # Only now: the tasks call the services.
    from apps.reports.tasks import generate_report

    row = row_create(Report, type=type, params=params, requested_by=requested_by, created_at=now)
    queue(generate_report, str(row["id"]), needed=True)
    return row


@transaction.atomic
def report_make(*, report: Report, now: datetime) -> None:
    """Make a report: its file, its status and the notification, all or nothing. It raises what went wrong."""
    made = _made(report.type, report.params or {})
    file = file_create(upload=made, embed=False, metadata=None, owner_id=report.requested_by_id, now=now)
    Report.objects.filter(pk=report.pk).update(status="completed", file=file["id"], completed_at=now)
    # Without somebody who asked for it the notification would be one for everybody.
    if report.requested_by_id is not None:
        message = f"Report ready: {report.type}"
        notification_create(user_id=report.requested_by_id, type="report", message=message, now=now)


@transaction.atomic
def report_fail(*, report_id: str) -> None:
    """Note that a report could not be made; there may be none by now."""
    Report.objects.filter(pk=report_id, status="pending").update(status="failed")


def _made(type: str, params: Mapping[str, Any]) -> Upload:
    lines = report_lines(type, standings_of_corps(text(params.get("company")) or None))
    form = "pdf" if params.get("format") == "pdf" else "csv"
    content = pdf_bytes(lines) if form == "pdf" else csv_bytes(lines)
    return Upload(f"{type}-report.{form}", MIME_TYPES[form], content)
