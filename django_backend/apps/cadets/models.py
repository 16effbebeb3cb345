"""The cadet, in the table that the legacy backend left behind."""

from __future__ import annotations

from django.db import models


class Cadet(models.Model):
    """One cadet.

    Text is unbounded and unvalidated: `year_level` reads "2nd Year", `status` holds more than the frontend offers.
    Therefore names are not indexed: an index entry has a greatest length, and the legacy backend knows none.
    """

    rank = models.TextField(null=True)
    first_name = models.TextField()
    middle_name = models.TextField(null=True)
    last_name = models.TextField()
    suffix_name = models.TextField(null=True)
    email = models.TextField(null=True)
    contact_number = models.TextField(null=True)
    address = models.TextField(null=True)
    course = models.TextField(null=True)
    year_level = models.TextField(null=True)
    school_year = models.TextField(null=True)
    battalion = models.TextField(null=True)
    company = models.TextField(null=True)
    platoon = models.TextField(null=True)
    cadet_course = models.TextField(null=True)
    semester = models.TextField(null=True)
    corp_position = models.TextField(null=True)
    gender = models.TextField(null=True)
    religion = models.TextField(null=True)
    birthdate = models.DateField(null=True)
    status = models.TextField(null=True, db_default="Ongoing")
    student_id = models.TextField(unique=True)
    profile_pic = models.TextField(null=True)
    is_profile_completed = models.BooleanField(null=True)
    is_archived = models.BooleanField(null=True)
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "cadets"

    def __str__(self) -> str:
        return f"{self.last_name}, {self.first_name} ({self.student_id})"
