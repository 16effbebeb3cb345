"""The paths of the group `reports`."""

from __future__ import annotations

from apps.reports import apis
from common.paths import operations

urlpatterns = [
    operations("reports", get=apis.ReportListApi, post=apis.ReportCreateApi),
    operations("reports/<report_id>", get=apis.ReportReadApi),
    operations("reports/<report_id>/download", get=apis.ReportDownloadApi),
]
