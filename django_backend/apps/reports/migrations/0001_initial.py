"""Creates the tables of reports as the legacy backend has them."""

from __future__ import annotations

from typing import Any, ClassVar

import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar[list[Any]] = [
        ("files", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Report",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(), primary_key=True, serialize=False
                    ),
                ),
                ("type", models.TextField()),
                ("status", models.TextField(db_default="pending", null=True)),
                ("params", models.JSONField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("file", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to="files.file")),
                (
                    "requested_by",
                    models.ForeignKey(
                        db_column="requested_by",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "reports",
            },
        ),
    ]
