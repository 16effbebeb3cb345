"""The only door to a file on behalf of somebody: staff may open any, the others their own."""

from __future__ import annotations

from django.db.models import Q

from apps.authentication.models import User
from apps.files.models import File
from common.exceptions import AccessDenied, Missing
from common.inputs import path_uuid
from common.roles import STAFF_ROLES


def access_file_by_id(viewer: User, given: str) -> File:
    """The file in a path, if there is one and `viewer` may see it."""
    file = File.objects.filter(pk=path_uuid(given)).first()
    if file is None:
        raise Missing("File not found")
    if viewer.role not in STAFF_ROLES and file.owner_id != viewer.pk:
        raise AccessDenied
    return file


def access_files_in_list(viewer: User) -> Q:
    """What narrows a list of files to what `viewer` may see."""
    return Q() if viewer.role in STAFF_ROLES else Q(owner=viewer)
