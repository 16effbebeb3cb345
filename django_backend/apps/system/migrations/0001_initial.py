"""Creates the tables of system as the legacy backend has them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar[list[Any]] = []

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="SystemSetting",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.TextField(unique=True)),
                ("value", models.TextField(null=True)),
            ],
            options={
                "db_table": "settings",
            },
        ),
        migrations.CreateModel(
            name="AuditLog",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("table_name", models.TextField()),
                (
                    "operation",
                    models.TextField(choices=[("INSERT", "Insert"), ("UPDATE", "Update"), ("DELETE", "Delete")]),
                ),
                ("record_id", models.TextField(null=True)),
                ("user_id", models.IntegerField(null=True)),
                ("payload", models.JSONField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "audit_logs",
                "indexes": [models.Index(fields=["table_name", "id"], name="audit_logs_by_table")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("operation__in", ["INSERT", "UPDATE", "DELETE"])),
                        name="audit_logs_operation_check",
                    )
                ],
            },
        ),
    ]
