"""Creates the tables of staff as the legacy backend has them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar[list[Any]] = []

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Staff",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rank", models.TextField(null=True)),
                ("first_name", models.TextField()),
                ("middle_name", models.TextField(null=True)),
                ("last_name", models.TextField()),
                ("suffix_name", models.TextField(null=True)),
                ("email", models.TextField(null=True, unique=True)),
                ("contact_number", models.TextField(null=True)),
                ("role", models.TextField(db_default="Instructor", null=True)),
                ("afpsn", models.TextField(null=True)),
                ("birthdate", models.TextField(null=True)),
                ("age", models.IntegerField(null=True)),
                ("height", models.TextField(null=True)),
                ("weight", models.TextField(null=True)),
                ("blood_type", models.TextField(null=True)),
                ("address", models.TextField(null=True)),
                ("civil_status", models.TextField(null=True)),
                ("nationality", models.TextField(null=True)),
                ("gender", models.TextField(null=True)),
                ("is_profile_completed", models.BooleanField(null=True)),
                ("is_archived", models.BooleanField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "staff",
                "db_table": "staff",
            },
        ),
    ]
