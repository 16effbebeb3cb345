"""Training days, marks and excuse letters, in the tables that the legacy backend left behind."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from apps.cadets.models import Cadet
from apps.staff.models import Staff


class Mark(models.TextChoices):
    """What a person can be marked as on a training day; the tables accept no other."""

    PRESENT = "present"
    ABSENT = "absent"
    LATE = "late"
    EXCUSED = "excused"


class TrainingDay(models.Model):
    """One day of training. `date` is text, mostly 'YYYY-MM-DD', neither validated nor unique."""

    date = models.TextField()
    title = models.TextField()
    description = models.TextField(null=True)
    created_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "training_days"

    def __str__(self) -> str:
        return f"{self.date} {self.title}"


class Attendance(models.Model):
    """The mark of one cadet on one day. The times are text such as "7:55:10 AM"."""

    # The unique constraint is its index.
    training_day = models.ForeignKey(TrainingDay, models.CASCADE, db_index=False)
    cadet = models.ForeignKey(Cadet, models.CASCADE)
    status = models.TextField(choices=Mark)
    remarks = models.TextField(null=True)
    time_in = models.TextField(null=True)
    time_out = models.TextField(null=True)
    created_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "attendance"
        verbose_name_plural = "attendance"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["training_day", "cadet"], name="attendance_training_day_id_cadet_id_key"),
            models.CheckConstraint(condition=models.Q(status__in=Mark.values), name="attendance_status_check"),
        ]

    def __str__(self) -> str:
        return f"cadet {self.cadet_id} {self.status} on day {self.training_day_id}"


class StaffAttendance(models.Model):
    """The mark of one member of staff on one day."""

    # The unique constraint is its index.
    training_day = models.ForeignKey(TrainingDay, models.CASCADE, db_index=False)
    staff = models.ForeignKey(Staff, models.CASCADE)
    status = models.TextField(choices=Mark)
    remarks = models.TextField(null=True)
    time_in = models.TextField(null=True)
    time_out = models.TextField(null=True)
    created_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "staff_attendance"
        verbose_name_plural = "staff attendance"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["training_day", "staff"], name="staff_attendance_training_day_id_staff_id_key"
            ),
            models.CheckConstraint(condition=models.Q(status__in=Mark.values), name="staff_attendance_status_check"),
        ]

    def __str__(self) -> str:
        return f"staff {self.staff_id} {self.status} on day {self.training_day_id}"


class ExcuseLetter(models.Model):
    """A cadet's letter about an absence: pending, approved or rejected."""

    cadet = models.ForeignKey(Cadet, models.CASCADE, null=True)
    training_day = models.ForeignKey(TrainingDay, models.CASCADE, null=True)
    date_absent = models.DateField()
    reason = models.TextField(null=True)
    file_url = models.TextField(null=True)
    status = models.TextField(null=True, db_default="pending")
    created_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "excuse_letters"

    def __str__(self) -> str:
        return f"letter of cadet {self.cadet_id} for {self.date_absent}"
