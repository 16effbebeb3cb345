"""The admin site's view of users and their preferences."""

from __future__ import annotations

from django.contrib import admin

from apps.authentication.models import User, UserSetting
from common.admin import TableAdmin


@admin.register(User)
class UserAdmin(TableAdmin):
    list_display = ("id", "username", "role", "is_active", "is_approved")
    search_fields = ("username", "email")
    # Not a drop-down: it would load the whole table.
    raw_id_fields = ("cadet", "staff")


@admin.register(UserSetting)
class UserSettingAdmin(TableAdmin):
    list_display = ("user",)
    list_select_related = ("user",)
    # Not a drop-down: it would load the whole table.
    raw_id_fields = ("user",)
