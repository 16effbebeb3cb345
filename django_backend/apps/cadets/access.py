"""The only door to a cadet on behalf of somebody: staff may open any, cadets their own."""

from __future__ import annotations

from apps.authentication.models import User
from common.exceptions import AccessDenied, Missing
from common.inputs import WHOLE_NUMBER, path_id
from common.roles import STAFF_ROLES


def access_cadet_by_id(viewer: User, given: str) -> int:
    """The id in a path, if `viewer` may see and change that cadet. Whether the cadet exists is not looked at."""
    own = WHOLE_NUMBER.fullmatch(given) and int(given) == viewer.cadet_id
    if not own and viewer.role not in STAFF_ROLES:
        raise AccessDenied
    return path_id(given)


def access_own_cadet(viewer: User) -> int:
    """The id of the cadet that `viewer` is."""
    if viewer.cadet_id is None:
        raise Missing("Cadet not found")
    return viewer.cadet_id
