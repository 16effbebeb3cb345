"""The admin site's view of the training staff."""

from __future__ import annotations

from django.contrib import admin

from apps.staff.models import Staff
from common.admin import TableAdmin


@admin.register(Staff)
class StaffAdmin(TableAdmin):
    list_display = ("id", "last_name", "first_name", "role", "is_archived")
    search_fields = ("last_name", "first_name")
