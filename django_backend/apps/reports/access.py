"""The only door to a report, for those who may have one: staff."""

from __future__ import annotations

from apps.reports.models import Report
from common.exceptions import Missing
from common.inputs import path_uuid


def access_report_by_id(given: str) -> Report:
    """The report in a path, if there is one."""
    report = Report.objects.select_related("file").filter(pk=path_uuid(given)).first()
    if report is None:
        raise Missing("Report not found")
    return report
