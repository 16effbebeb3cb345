"""The operations of the group `system`."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.system.selectors import audit_log_list, system_settings, system_stats
from apps.system.services import system_settings_save
from common.api import Api
from common.pagination import listing, page_asked
from common.permissions import IsAdmin, IsStaffMember


class AuditLogListApi(Api):
    """Lists what was changed, newest first, a page at a time."""

    permission_classes = (IsAdmin,)

    def get(self, request: Request) -> Response:
        logs = audit_log_list(request.query_params.get("table_name", ""))
        return Response(listing(logs, page_asked(request.query_params)))


class SettingsReadApi(Api):
    """Shows all settings to everybody who is logged in."""

    def get(self, request: Request) -> Response:
        return Response(system_settings())


class SettingsUpdateApi(Api):
    """Saves some settings and answers all of them."""

    permission_classes = (IsAdmin,)

    def put(self, request: Request) -> Response:
        system_settings_save(changes=self.fields())
        return Response(system_settings())


class StatsApi(Api):
    """Counts cadets, staff, users and training days."""

    permission_classes = (IsStaffMember,)

    def get(self, request: Request) -> Response:
        return Response(system_stats())
