"""The member of staff, in the table that the legacy backend left behind."""

from __future__ import annotations

from django.db import models


class Staff(models.Model):
    """One member of the training staff. `birthdate` is text here, where a cadet's is a date."""

    rank = models.TextField(null=True)
    first_name = models.TextField()
    middle_name = models.TextField(null=True)
    last_name = models.TextField()
    suffix_name = models.TextField(null=True)
    email = models.TextField(null=True, unique=True)
    contact_number = models.TextField(null=True)
    role = models.TextField(null=True, db_default="Instructor")
    afpsn = models.TextField(null=True)
    birthdate = models.TextField(null=True)
    age = models.IntegerField(null=True)
    height = models.TextField(null=True)
    weight = models.TextField(null=True)
    blood_type = models.TextField(null=True)
    address = models.TextField(null=True)
    civil_status = models.TextField(null=True)
    nationality = models.TextField(null=True)
    gender = models.TextField(null=True)
    is_profile_completed = models.BooleanField(null=True)
    is_archived = models.BooleanField(null=True)
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "staff"
        verbose_name_plural = "staff"

    def __str__(self) -> str:
        return f"{self.last_name}, {self.first_name}"
