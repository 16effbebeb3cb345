"""The admin site's view of training days and marks."""

from __future__ import annotations

from django.contrib import admin

from apps.attendance.models import Attendance, ExcuseLetter, StaffAttendance, TrainingDay
from common.admin import TableAdmin


@admin.register(TrainingDay)
class TrainingDayAdmin(TableAdmin):
    list_display = ("id", "date", "title")
    search_fields = ("title",)


@admin.register(Attendance)
class AttendanceAdmin(TableAdmin):
    list_display = ("id", "training_day", "cadet", "status")
    list_select_related = ("training_day", "cadet")
    # Not a drop-down: it would load the whole table.
    raw_id_fields = ("training_day", "cadet")


@admin.register(StaffAttendance)
class StaffAttendanceAdmin(TableAdmin):
    list_display = ("id", "training_day", "staff", "status")
    list_select_related = ("training_day", "staff")
    # Not a drop-down: it would load the whole table.
    raw_id_fields = ("training_day", "staff")


@admin.register(ExcuseLetter)
class ExcuseLetterAdmin(TableAdmin):
    list_display = ("id", "cadet", "date_absent", "status")
    list_select_related = ("cadet",)
    # Not a drop-down: it would load the whole table.
    raw_id_fields = ("cadet", "training_day")
