"""Makes reports behind the answers that took the orders. The order itself is the row, so none is ever lost."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from apps.reports import services
from apps.reports.models import Report
from apps.reports.tables import TYPES
from common.jobs.job import Job
from common.jobs.periodic import Periodic
from common.jobs.queue import queue

# An order that nobody took up in this time was lost on its way; one that is older than a day is not wanted any more.
OVERDUE = timedelta(minutes=10)
FORGOTTEN = timedelta(days=1)
PENDING = "pending"


class ReportJob(Job):
    """A report that cannot be made says so in its status."""

    abstract = True

    def gave_up(self, error: Exception, report_id: str) -> None:
        services.report_fail(report_id=report_id)


@shared_task(bind=True, base=ReportJob)
def generate_report(self: ReportJob, report_id: str) -> str:
    """Make the report with this id and say `success`; one that is made or failed already stays as it is."""
    # Locked: of two who were given the same order the second finds it done.
    report = Report.objects.select_for_update().get(pk=report_id)
    if report.status != PENDING:
        return "done already"
    services.report_make(report=report, now=timezone.now())
    return "success"


@shared_task(bind=True, base=Periodic)
def generate_daily_reports(self: Periodic) -> int:
    """Order one report of each type for today, unless it was ordered before; returns how many it ordered."""
    now = timezone.now()
    today = {"daily": now.date().isoformat()}
    there = set(Report.objects.filter(params__daily=today["daily"]).values_list("type", flat=True))
    missing = [type for type in TYPES if type not in there]
    for type in missing:
        services.report_create(type=type, params=today, requested_by=None, now=now)
    return len(missing)


@shared_task(bind=True, base=Periodic)
def resume_reports(self: Periodic) -> int:
    """Hand over again what was ordered and never made, whoever lost it; returns how many orders that were."""
    now = timezone.now()
    overdue = Report.objects.filter(status=PENDING, created_at__range=(now - FORGOTTEN, now - OVERDUE))
    ids = [str(pk) for pk in overdue.values_list("pk", flat=True)]
    for report_id in ids:
        queue(generate_report, report_id)
    return len(ids)
