"""The admin site's view of grades, merits and demerits."""

from __future__ import annotations

from django.contrib import admin

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
