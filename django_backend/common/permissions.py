"""Which roles may call an operation."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from common.exceptions import AccessDenied
from common.roles import STAFF_ROLES, Role


class IsUser(BasePermission):
    """Everybody who brought a good token."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user is not None


class IsStaffMember(BasePermission):
    """Admins and training staff."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if _role(request) not in STAFF_ROLES:
            raise AccessDenied
        return True


class IsAdmin(BasePermission):
    """Admins."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if _role(request) != Role.ADMIN:
            raise AccessDenied
        return True


def _role(request: Request) -> str:
    return str(getattr(request.user, "role", ""))
