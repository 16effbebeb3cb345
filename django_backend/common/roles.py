"""The roles of users, and which of them run the corps."""

from __future__ import annotations

from django.db.models import TextChoices


class Role(TextChoices):
    """The roles a user may have; the table accepts no other."""

    ADMIN = "admin"
    CADET = "cadet"
    TRAINING_STAFF = "training_staff"


STAFF_ROLES: frozenset[str] = frozenset({Role.ADMIN, Role.TRAINING_STAFF})
