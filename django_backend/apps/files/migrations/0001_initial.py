"""Creates the tables of files as the legacy backend has them."""

from __future__ import annotations

from typing import Any, ClassVar

import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar[list[Any]] = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="File",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(), primary_key=True, serialize=False
                    ),
                ),
                ("filename", models.TextField()),
                ("url", models.TextField(null=True)),
                ("public_id", models.TextField(null=True)),
                ("mime_type", models.TextField(null=True)),
                ("size", models.BigIntegerField(null=True)),
                ("metadata", models.JSONField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "files",
            },
        ),
    ]
