"""Whose marks and letters somebody may see, and for whom one may write a letter: staff all, cadets themselves."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from apps.authentication.models import User
from common.roles import STAFF_ROLES

NOBODY = Q(pk=None)


def access_letters_in_list(viewer: User) -> Q:
    """What narrows a list of letters to what `viewer` may see."""
    if viewer.role in STAFF_ROLES:
        return Q()
    return NOBODY if viewer.cadet_id is None else Q(cadet_id=viewer.cadet_id)


def access_letter_cadet(viewer: User, given: Any) -> Any:
    """Whose letter it is: cadets write their own whatever they say, staff for the cadet they name."""
    return given if viewer.role in STAFF_ROLES else viewer.cadet_id
