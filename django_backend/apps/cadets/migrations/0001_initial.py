"""Creates the tables of cadets as the legacy backend has them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar[list[Any]] = []

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Cadet",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rank", models.TextField(null=True)),
                ("first_name", models.TextField()),
                ("middle_name", models.TextField(null=True)),
                ("last_name", models.TextField()),
                ("suffix_name", models.TextField(null=True)),
                ("email", models.TextField(null=True)),
                ("contact_number", models.TextField(null=True)),
                ("address", models.TextField(null=True)),
                ("course", models.TextField(null=True)),
                ("year_level", models.TextField(null=True)),
                ("school_year", models.TextField(null=True)),
                ("battalion", models.TextField(null=True)),
                ("company", models.TextField(null=True)),
                ("platoon", models.TextField(null=True)),
                ("cadet_course", models.TextField(null=True)),
                ("semester", models.TextField(null=True)),
                ("corp_position", models.TextField(null=True)),
                ("gender", models.TextField(null=True)),
                ("religion", models.TextField(null=True)),
                ("birthdate", models.DateField(null=True)),
                ("status", models.TextField(db_default="Ongoing", null=True)),
                ("student_id", models.TextField(unique=True)),
                ("profile_pic", models.TextField(null=True)),
                ("is_profile_completed", models.BooleanField(null=True)),
                ("is_archived", models.BooleanField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "cadets",
            },
        ),
    ]
