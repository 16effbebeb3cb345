"""The admin site's view of activities."""

from __future__ import annotations

from django.contrib import admin

from apps.activities.models import Activity
from common.admin import TableAdmin


@admin.register(Activity)
class ActivityAdmin(TableAdmin):
    list_display = ("id", "title", "date", "type")
    search_fields = ("title",)
    # Not a drop-down: it would load the whole table.
    raw_id_fields = ("created_by", "participants")
