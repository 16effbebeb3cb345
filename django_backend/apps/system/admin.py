"""The admin site's view of the audit log and the settings."""

from __future__ import annotations

from django.contrib import admin

from apps.system.models import AuditLog, SystemSetting
from common.admin import TableAdmin


@admin.register(AuditLog)
class AuditLogAdmin(TableAdmin):
    list_display = ("id", "table_name", "operation", "record_id", "created_at")
    search_fields = ("table_name", "record_id")


@admin.register(SystemSetting)
class SystemSettingAdmin(TableAdmin):
    list_display = ("id", "key", "value")
    search_fields = ("key",)
