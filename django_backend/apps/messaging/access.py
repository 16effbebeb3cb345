"""The only door to a notification: users open their own, some broadcasts. Any other counts as missing."""

from __future__ import annotations

from django.db.models import Q

from apps.authentication.models import User
from common.inputs import path_id
from common.roles import Role


def access_notification_to_read(viewer: User, given: str) -> Q:
    """What means the notification in a path, if it is the viewer's or for everybody."""
    return _meant(given) & (Q(user_id=viewer.pk) | Q(user_id=None))


def access_notification_to_delete(viewer: User, given: str) -> Q:
    """The same for deleting it: what is for everybody only an admin may take from all."""
    own = Q(user_id=viewer.pk)
    return _meant(given) & (own | Q(user_id=None) if viewer.role == Role.ADMIN else own)


def _meant(given: str) -> Q:
    return Q(pk=path_id(given))
