"""Reports, in the table that the legacy backend left behind."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.db import models

from apps.files.models import File


class Report(models.Model):
    """A report that somebody asked for, and the file it became."""

    id = models.UUIDField(primary_key=True, db_default=RandomUUID())
    type = models.TextField()
    status = models.TextField(null=True, db_default="pending")
    params = models.JSONField(null=True)
    file = models.ForeignKey(File, models.SET_NULL, null=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_column="requested_by", related_name="+"
    )
    created_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "reports"

    def __str__(self) -> str:
        return f"{self.type} ({self.status})"
