"""Uploaded files, in the table that the legacy backend left behind."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.db import models


class File(models.Model):
    """One file. `url` takes four forms: https, "/uploads/x", an absolute path, or the bytes themselves as `data:`."""

    id = models.UUIDField(primary_key=True, db_default=RandomUUID())
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    filename = models.TextField()
    url = models.TextField(null=True)
    public_id = models.TextField(null=True)
    mime_type = models.TextField(null=True)
    size = models.BigIntegerField(null=True)
    metadata = models.JSONField(null=True)
    created_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "files"

    def __str__(self) -> str:
        return self.filename
