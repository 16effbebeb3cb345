"""Users and their preferences, in the tables that the legacy backend left behind."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.indexes import HashIndex
from django.db import models
from django.db.models.functions import Now

from apps.cadets.models import Cadet
from apps.staff.models import Staff
from common.roles import Role


class User(AbstractBaseUser):
    """Somebody who can log in.

    `password` holds `bcrypt$` and the hash exactly as Node wrote it. `is_approved` is 0 or 1, not a boolean, because
    the frontend compares it with numbers. E-mail addresses are not unique, and both NULL and '' occur.
    """

    username = models.TextField(unique=True)
    email = models.TextField(null=True)
    password = models.TextField()
    role = models.TextField(choices=Role)
    first_name = models.TextField(null=True)
    last_name = models.TextField(null=True)
    is_active = models.BooleanField(null=True, db_default=True)  # type: ignore[assignment]
    is_staff = models.BooleanField(null=True, db_default=False)
    is_approved = models.IntegerField(null=True)
    cadet = models.ForeignKey(Cadet, models.CASCADE, null=True, related_name="users")
    staff = models.ForeignKey(Staff, models.CASCADE, null=True, related_name="users")
    profile_pic = models.TextField(null=True)
    last_seen = models.DateTimeField(null=True)
    created_at = models.DateTimeField(null=True, db_default=Now())
    updated_at = models.DateTimeField(null=True)

    # The table has no such column, so that a login writes nothing.
    last_login = None

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["role"]

    objects = BaseUserManager()

    class Meta:
        db_table = "users"
        # For logins by e-mail address. A hash: an ordinary index refuses long values, and this text has no bound.
        indexes: ClassVar[list[models.Index]] = [HashIndex(fields=["email"], name="users_email_hash")]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="users_role_check"),
        ]

    def __str__(self) -> str:
        return self.username

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Admins may do everything in the admin site, others nothing."""
        return bool(self.is_active) and self.role == Role.ADMIN

    def has_module_perms(self, app_label: str) -> bool:
        """Admins see every app in the admin site, others none."""
        return bool(self.is_active) and self.role == Role.ADMIN


class UserSetting(models.Model):
    """The preferences of one user; a user without a row has the defaults."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="settings")
    email_alerts = models.BooleanField(null=True, db_default=True)
    push_notifications = models.BooleanField(null=True, db_default=True)
    activity_updates = models.BooleanField(null=True, db_default=True)
    dark_mode = models.BooleanField(null=True, db_default=False)
    compact_mode = models.BooleanField(null=True, db_default=False)
    primary_color = models.TextField(null=True, db_default="blue")

    class Meta:
        db_table = "user_settings"

    def __str__(self) -> str:
        return f"settings of user {self.user_id}"
