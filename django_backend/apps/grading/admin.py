"""The admin site's view of grades, merits and demerits."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.grading.models import Grade, GradeCategory, MeritDemeritLog
from common.admin import TableAdmin


@admin.register(GradeCategory)
class GradeCategoryAdmin(TableAdmin):
    list_display = ("id", "name", "weight")
    search_fields = ("name",)


@admin.register(Grade)
class GradeAdmin(TableAdmin):
    list_display = ("id", "cadet", "category", "term", "score", "status")
    list_select_related = ("cadet", "category")
    # Not a drop-down: it would load the whole table.
    raw_id_fields = ("cadet", "category", "graded_by")


@admin.register(MeritDemeritLog)
class MeritDemeritLogAdmin(TableAdmin):
    list_display = ("id", "cadet", "type", "points", "date_recorded")
    list_select_related = ("cadet",)
    # Not a drop-down: it would load the whole table.
    raw_id_fields = ("cadet", "issued_by")

    # Only to look at: what is written past the service has no row in the audit log.
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
