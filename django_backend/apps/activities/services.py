"""Changes activities. Every service is one transaction: all of it happens, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.activities.images import images_stored, images_text
from apps.activities.models import Activity
from common.exceptions import Missing
from common.realtime import publish_update
from common.rows import row_create, row_delete, row_update
from common.uploads import Upload, upload_keep

# Those who are in already are left alone, and are not counted.
ADD = """
    INSERT INTO activity_cadets (activity_id, cadet_id) SELECT %s, unnest(%s::integer[]) ON CONFLICT DO NOTHING
"""


@transaction.atomic
def activity_create(
    *, values: dict[str, Any], files: Sequence[Upload], created_by: int, now: datetime
) -> dict[str, Any]:
    """Add an activity with these columns and answer the row. Files become its images."""
    if files:
        values = {**values, "images": images_text(_stored(files, now))}
    row = row_create(Activity, **values, created_by=created_by, created_at=now, updated_at=now)
    publish_update("activities", "created", row["id"])
    return row


@transaction.atomic
def activity_update(
    *, activity_id: int, values: dict[str, Any], files: Sequence[Upload], replace: bool, now: datetime
) -> dict[str, Any]:
    """Change these columns and answer the row; `Missing` if there is none. Files come behind the images that it has.

    With `replace` they take their place, also if there are none.
    """
    # Locked, so that of two who add images at once neither loses them.
    activity = Activity.objects.select_for_update().filter(pk=activity_id).first()
    if activity is None:
        raise Missing("Activity not found")
    if files or replace:
        before = [] if replace else images_stored(activity.images)
        values = {**values, "images": images_text([*before, *_stored(files, now)])}
    row = row_update(Activity, "Activity not found", activity_id, **values, updated_at=now)
    publish_update("activities", "updated", activity_id)
    return row


@transaction.atomic
def activity_delete(*, activity_id: int) -> None:
    """Delete an activity; `Missing` if there is none. The files of its images stay."""
    row_delete(Activity, "Activity not found", pk=activity_id)
    publish_update("activities", "deleted", activity_id)


@transaction.atomic
def participants_add(*, activity_id: int, cadet_ids: Sequence[int]) -> int:
    """Let cadets take part. Returns how many did not before."""
    with connection.cursor() as cursor:
        cursor.execute(ADD, [activity_id, list(cadet_ids)])
        added = int(cursor.rowcount)
    publish_update("activities", "updated", activity_id)
    return added


@transaction.atomic
def participant_remove(*, activity_id: int, cadet_id: int) -> None:
    """Let a cadet take part no longer; `Missing` if it did not."""
    row_delete(Activity.participants.through, "Participant not found", activity_id=activity_id, cadet_id=cadet_id)
    publish_update("activities", "updated", activity_id)


def _stored(files: Sequence[Upload], now: datetime) -> list[str]:
    return [upload_keep(file.name, file.content, now=now).url for file in files]
