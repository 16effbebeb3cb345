"""Reads the audit log, the settings and the figures of the whole system."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.attendance.models import TrainingDay
from apps.authentication.models import User
from apps.cadets.models import Cadet
from apps.staff.models import Staff
from apps.system.models import AuditLog, SystemSetting
from common.cache import cached


def audit_log_list(table_name: str = "") -> QuerySet[AuditLog, Any]:
    """The rows of the audit log, newest first; with a name those of one table only."""
    logs = AuditLog.objects.filter(table_name=table_name) if table_name else AuditLog.objects.all()
    return logs.order_by("-id").values()


def system_settings() -> dict[str, str | None]:
    """All settings by key, as they are stored."""
    return dict(SystemSetting.objects.values_list("key", "value"))


def system_stats() -> dict[str, int]:
    """How many there are of each thing, counted within the last minute."""
    return cached("system-stats", _counted)


def _counted() -> dict[str, int]:
    cadets = Cadet.objects.aggregate(total=Count("pk"), archived=Count("pk", filter=Q(is_archived=True)))
    return {
        "totalCadets": cadets["total"],
        "activeCadets": cadets["total"] - cadets["archived"],
        "archivedCadets": cadets["archived"],
        "totalStaff": Staff.objects.count(),
        "totalUsers": User.objects.count(),
        "trainingDays": TrainingDay.objects.count(),
    }
