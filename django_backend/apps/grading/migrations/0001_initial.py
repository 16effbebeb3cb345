"""Creates the tables of grading as the legacy backend has them."""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar[list[Any]] = [
        ("cadets", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="GradeCategory",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField(unique=True)),
                ("weight", models.DecimalField(decimal_places=2, max_digits=5)),
                ("description", models.TextField(null=True)),
            ],
            options={
                "verbose_name_plural": "grade categories",
                "db_table": "grade_categories",
            },
        ),
        migrations.CreateModel(
            name="Grade",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("term", models.TextField(null=True)),
                ("score", models.DecimalField(decimal_places=2, max_digits=6)),
                ("max_score", models.DecimalField(db_default=100, decimal_places=2, max_digits=6)),
                ("status", models.TextField(db_default="active", null=True)),
                ("remarks", models.TextField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField(null=True)),
                (
                    "cadet",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to="cadets.cadet"),
                ),
                (
                    "graded_by",
                    models.ForeignKey(
                        db_column="graded_by",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "category",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="grading.gradecategory"),
                ),
            ],
            options={
                "db_table": "grades",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("cadet", "category", "term"), name="grades_cadet_id_category_id_term_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MeritDemeritLog",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("type", models.TextField(choices=[("merit", "Merit"), ("demerit", "Demerit")])),
                ("points", models.IntegerField()),
                ("reason", models.TextField(null=True)),
                ("issued_by_name", models.TextField(null=True)),
                (
                    "date_recorded",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True),
                ),
                ("cadet", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="cadets.cadet")),
                (
                    "issued_by",
                    models.ForeignKey(
                        db_column="issued_by",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "merit_demerit_logs",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("type__in", ["merit", "demerit"])), name="merit_demerit_logs_type_check"
                    )
                ],
            },
        ),
    ]
