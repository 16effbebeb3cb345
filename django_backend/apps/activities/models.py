"""Activities and announcements, in the tables that the legacy backend left behind."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from apps.cadets.models import Cadet


class Activity(models.Model):
    """One activity or announcement. `date` is text; `images` is a JSON array kept as a string."""

    title = models.TextField()
    description = models.TextField(null=True)
    date = models.TextField(null=True)
    location = models.TextField(null=True)
    type = models.TextField(null=True)
    images = models.TextField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_column="created_by", related_name="+"
    )
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    participants = models.ManyToManyField(Cadet, db_table="activity_cadets", related_name="activities")

    class Meta:
        db_table = "activities"
        verbose_name_plural = "activities"

    def __str__(self) -> str:
        return self.title
