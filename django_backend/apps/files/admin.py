"""The admin site's view of files."""

from __future__ import annotations

from django.contrib import admin

from apps.files.models import File
from common.admin import TableAdmin


@admin.register(File)
class FileAdmin(TableAdmin):
    list_display = ("id", "filename", "mime_type", "size")
    search_fields = ("filename",)
    # Not a drop-down: it would load the whole table.
    raw_id_fields = ("owner",)
