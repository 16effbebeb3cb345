"""What every page of the admin site has in common."""

from __future__ import annotations

from django.contrib import admin


class TableAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """One table in the admin site, without the count of all its rows: that would read the whole table for each page."""

    show_full_result_count = False
