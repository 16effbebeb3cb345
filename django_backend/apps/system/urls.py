"""The paths of the group `system`."""

from __future__ import annotations

from apps.system import apis
from common.paths import operations

urlpatterns = [
    operations("system/audit-logs", get=apis.AuditLogListApi),
    operations("system/settings", get=apis.SettingsReadApi, put=apis.SettingsUpdateApi),
    operations("system/stats", get=apis.StatsApi),
]
