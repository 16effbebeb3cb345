"""The admin site's view of reports."""

from __future__ import annotations

from django.contrib import admin

from apps.reports.models import Report
from common.admin import TableAdmin


@admin.register(Report)
class ReportAdmin(TableAdmin):
    list_display = ("id", "type", "status", "created_at")
    search_fields = ("type",)
    # Not a drop-down: it would load the whole table.
    raw_id_fields = ("file", "requested_by")
