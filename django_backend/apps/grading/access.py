"""Whose grades and merits somebody may list: staff all, cadets their own whatever they ask for."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q

from apps.authentication.models import User
from common.inputs import read, whole_number
from common.roles import STAFF_ROLES

NOBODY = Q(pk=None)


def access_cadets_in_list(viewer: User, query: Mapping[str, str]) -> Q:
    """What narrows a list to the cadet that `query` names, and to what `viewer` may see."""
    if viewer.role not in STAFF_ROLES:
        return NOBODY if viewer.cadet_id is None else Q(cadet_id=viewer.cadet_id)
    return query_id(query, "cadetId", "cadet_id")


def query_id(query: Mapping[str, str], name: str, column: str) -> Q:
    """What narrows a list to the id that `query` gives under `name`; nothing if it gives none."""
    given = {name: query[name]} if query.get(name) else {}
    return Q(*((column, number) for number in read(given, {name: whole_number}).values()))
