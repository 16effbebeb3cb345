"""The operations of the group `system`."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.system.models import AuditLog
from apps.system.selectors import audit_log_list, system_settings, system_stats
from apps.system.services import system_settings_save
from common.api import Api
from common.inputs import text
from common.openapi.description import described, listed
from common.openapi.shapes import ACCEPTED, COUNT, OPTIONAL_STRING, answered, body_of
from common.pagination import listing, page_asked
from common.permissions import IsAdmin, IsStaffMember

SETTINGS = {"type": "object", "additionalProperties": OPTIONAL_STRING}
FIGURES = ("totalCadets", "activeCadets", "archivedCadets", "totalStaff", "totalUsers", "trainingDays")


class AuditLogListApi(Api):
    """Lists what was changed, newest first, a page at a time."""

    permission_classes = (IsAdmin,)
    description = listed(AuditLog, "table_name")

    def get(self, request: Request) -> Response:
        logs = audit_log_list(request.query_params.get("table_name", ""))
        return Response(listing(logs, page_asked(request.query_params)))


class SettingsReadApi(Api):
    """Shows all settings to everybody who is logged in."""

    description = described(SETTINGS)

    def get(self, request: Request) -> Response:
        return Response(system_settings())


class SettingsUpdateApi(Api):
    """Saves some settings and answers all of them."""

    permission_classes = (IsAdmin,)
    description = described(SETTINGS, json={**body_of({}), "additionalProperties": ACCEPTED[text]})

    def put(self, request: Request) -> Response:
        system_settings_save(changes=self.fields())
        return Response(system_settings())


class StatsApi(Api):
    """Counts cadets, staff, users and training days."""

    permission_classes = (IsStaffMember,)
    description = described(answered(dict.fromkeys(FIGURES, COUNT)))

    def get(self, request: Request) -> Response:
        return Response(system_stats())
