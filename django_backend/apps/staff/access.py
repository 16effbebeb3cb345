"""The only door to changing a member of staff: admins may change any, the others themselves."""

from __future__ import annotations

from apps.authentication.models import User
from common.exceptions import AccessDenied, Missing
from common.inputs import WHOLE_NUMBER, path_id
from common.roles import Role


def access_staff_by_id(viewer: User, given: str) -> int:
    """The id in a path, if `viewer` may change that member of staff. Whether there is one is not looked at."""
    own = WHOLE_NUMBER.fullmatch(given) and int(given) == viewer.staff_id
    if not own and viewer.role != Role.ADMIN:
        raise AccessDenied
    return path_id(given)


def access_own_staff(viewer: User) -> int:
    """The id of the member of staff that `viewer` is."""
    if viewer.staff_id is None:
        raise Missing("Staff not found")
    return viewer.staff_id
