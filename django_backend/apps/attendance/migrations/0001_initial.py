"""Creates the tables of attendance as the legacy backend has them."""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar[list[Any]] = [
        ("cadets", "0001_initial"),
        ("staff", "0001_initial"),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="TrainingDay",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("date", models.TextField()),
                ("title", models.TextField()),
                ("description", models.TextField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "training_days",
            },
        ),
        migrations.CreateModel(
            name="ExcuseLetter",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("date_absent", models.DateField()),
                ("reason", models.TextField(null=True)),
                ("file_url", models.TextField(null=True)),
                ("status", models.TextField(db_default="pending", null=True)),
                ("created_at", models.DateTimeField(null=True)),
                ("cadet", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to="cadets.cadet")),
                (
                    "training_day",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, to="attendance.trainingday"
                    ),
                ),
            ],
            options={
                "db_table": "excuse_letters",
            },
        ),
        migrations.CreateModel(
            name="StaffAttendance",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "status",
                    models.TextField(
                        choices=[("present", "Present"), ("absent", "Absent"), ("late", "Late"), ("excused", "Excused")]
                    ),
                ),
                ("remarks", models.TextField(null=True)),
                ("time_in", models.TextField(null=True)),
                ("time_out", models.TextField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
                ("staff", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="staff.staff")),
                (
                    "training_day",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="attendance.trainingday"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "staff attendance",
                "db_table": "staff_attendance",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("training_day", "staff"), name="staff_attendance_training_day_id_staff_id_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["present", "absent", "late", "excused"])),
                        name="staff_attendance_status_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Attendance",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "status",
                    models.TextField(
                        choices=[("present", "Present"), ("absent", "Absent"), ("late", "Late"), ("excused", "Excused")]
                    ),
                ),
                ("remarks", models.TextField(null=True)),
                ("time_in", models.TextField(null=True)),
                ("time_out", models.TextField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
                ("cadet", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="cadets.cadet")),
                (
                    "training_day",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="attendance.trainingday"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "attendance",
                "db_table": "attendance",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("training_day", "cadet"), name="attendance_training_day_id_cadet_id_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["present", "absent", "late", "excused"])),
                        name="attendance_status_check",
                    ),
                ],
            },
        ),
    ]
