"""The audit log and the settings of the whole system, in the tables that the legacy backend left behind."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Operation(models.TextChoices):
    """What happened to the audited row; the table accepts no other."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


class AuditLog(models.Model):
    """One change of one row. `user_id` refers to nothing, so that the log outlives its users."""

    id = models.BigAutoField(primary_key=True)
    table_name = models.TextField()
    operation = models.TextField(choices=Operation)
    record_id = models.TextField(null=True)
    user_id = models.IntegerField(null=True)
    payload = models.JSONField(null=True)
    created_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "audit_logs"
        # The list is filtered by table and ordered by id.
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["table_name", "id"], name="audit_logs_by_table"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(operation__in=Operation.values), name="audit_logs_operation_check"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.table_name} {self.record_id}"


class SystemSetting(models.Model):
    """One setting. A boolean is kept as '1' or '0'."""

    key = models.TextField(unique=True)
    value = models.TextField(null=True)

    class Meta:
        db_table = "settings"

    def __str__(self) -> str:
        return self.key
