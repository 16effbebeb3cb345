"""Grade categories, grades, merits and demerits, in the tables that the legacy backend left behind."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from apps.cadets.models import Cadet


class MeritType(models.TextChoices):
    """Which way points count; the table accepts no other."""

    MERIT = "merit"
    DEMERIT = "demerit"


class GradeCategory(models.Model):
    """A kind of grade and its weight."""

    name = models.TextField(unique=True)
    weight = models.DecimalField(max_digits=5, decimal_places=2)
    description = models.TextField(null=True)

    class Meta:
        db_table = "grade_categories"
        verbose_name_plural = "grade categories"

    def __str__(self) -> str:
        return self.name


class Grade(models.Model):
    """One score of a cadet in a category and term. `status` may say INC, DO or T in place of 'active'."""

    # The unique constraint is its index.
    cadet = models.ForeignKey(Cadet, models.CASCADE, db_index=False)
    category = models.ForeignKey(GradeCategory, models.PROTECT)
    term = models.TextField(null=True)
    score = models.DecimalField(max_digits=6, decimal_places=2)
    max_score = models.DecimalField(max_digits=6, decimal_places=2, db_default=100)
    status = models.TextField(null=True, db_default="active")
    remarks = models.TextField(null=True)
    graded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_column="graded_by", related_name="+"
    )
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "grades"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["cadet", "category", "term"], name="grades_cadet_id_category_id_term_key"),
        ]

    def __str__(self) -> str:
        return f"{self.score} of cadet {self.cadet_id} in {self.term}"


class MeritDemeritLog(models.Model):
    """Points given to or taken from a cadet. `points` may be negative."""

    cadet = models.ForeignKey(Cadet, models.CASCADE)
    type = models.TextField(choices=MeritType)
    points = models.IntegerField()
    reason = models.TextField(null=True)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_column="issued_by", related_name="+"
    )
    issued_by_name = models.TextField(null=True)
    date_recorded = models.DateTimeField(null=True, db_default=Now())

    class Meta:
        db_table = "merit_demerit_logs"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(type__in=MeritType.values), name="merit_demerit_logs_type_check"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.points} for cadet {self.cadet_id}"
