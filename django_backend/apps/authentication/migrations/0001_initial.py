"""Creates the tables of authentication as the legacy backend has them."""

from __future__ import annotations

from typing import Any, ClassVar

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar[list[Any]] = [
        ("cadets", "0001_initial"),
        ("staff", "0001_initial"),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("username", models.TextField(unique=True)),
                ("email", models.TextField(null=True)),
                ("password", models.TextField()),
                (
                    "role",
                    models.TextField(
                        choices=[("admin", "Admin"), ("cadet", "Cadet"), ("training_staff", "Training Staff")]
                    ),
                ),
                ("first_name", models.TextField(null=True)),
                ("last_name", models.TextField(null=True)),
                ("is_active", models.BooleanField(db_default=True, null=True)),
                ("is_staff", models.BooleanField(db_default=False, null=True)),
                ("is_approved", models.IntegerField(null=True)),
                ("profile_pic", models.TextField(null=True)),
                ("last_seen", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("updated_at", models.DateTimeField(null=True)),
                (
                    "cadet",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="users", to="cadets.cadet"
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="users", to="staff.staff"
                    ),
                ),
            ],
            options={
                "db_table": "users",
            },
        ),
        migrations.CreateModel(
            name="UserSetting",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="settings",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("email_alerts", models.BooleanField(db_default=True, null=True)),
                ("push_notifications", models.BooleanField(db_default=True, null=True)),
                ("activity_updates", models.BooleanField(db_default=True, null=True)),
                ("dark_mode", models.BooleanField(db_default=False, null=True)),
                ("compact_mode", models.BooleanField(db_default=False, null=True)),
                ("primary_color", models.TextField(db_default="blue", null=True)),
            ],
            options={
                "db_table": "user_settings",
            },
        ),
        migrations.AddIndex(
            model_name="user",
            index=django.contrib.postgres.indexes.HashIndex(fields=["email"], name="users_email_hash"),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["admin", "cadet", "training_staff"])), name="users_role_check"
            ),
        ),
    ]
