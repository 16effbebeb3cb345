"""The admin site's view of cadets."""

from __future__ import annotations

from django.contrib import admin

from apps.cadets.models import Cadet
from common.admin import TableAdmin


@admin.register(Cadet)
class CadetAdmin(TableAdmin):
    list_display = ("id", "last_name", "first_name", "student_id", "company", "is_archived")
    search_fields = ("last_name", "first_name", "student_id")
