"""Keeps files and forgets them. Every service is one transaction: all of it happens, or nothing."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.files.models import File
from apps.files.pictures import compressed, worth_processing
from apps.files.reading import text_on
from common.copies.current import pins
from common.jobs.queue import queue
from common.realtime import publish
from common.rows import row_create
from common.uploads import Kept, Upload, stored_file, upload_keep, upload_replace

# Where in the metadata of a file it stands what a worker found.
NOTED = "processing"


@transaction.atomic
def file_create(*, upload: Upload, embed: bool, metadata: Any, owner_id: int | None, now: datetime) -> dict[str, Any]:
    """Keep a file and answer its row; with `embed` its bytes become the URL, and they are kept nowhere else.

    A worker makes it smaller afterwards, where that is worth it.
    """
    kept = Kept(_embedded(upload)) if embed else upload_keep(upload.name, upload.content, now=now)
    row = row_create(
        File,
        owner_id=owner_id,
        filename=upload.name,
        url=kept.url,
        public_id=kept.public_id,
        mime_type=upload.mime_type,
        size=len(upload.content),
        metadata=metadata,
        created_at=now,
    )
    if worth_processing(row["url"], upload.content):
        # Only now: the task calls the services.
        from apps.files.tasks import process_file

        queue(process_file, str(row["id"]))
    return row


@transaction.atomic
def file_process(*, file: File) -> str:
    """Make the picture of a file smaller and read what is written on it; says what was done, for the log."""
    path = stored_file(file.url or "")
    noted = file.metadata if isinstance(file.metadata, dict) else {}
    if path is None or NOTED in noted:
        return "done already" if path else "not here"
    content = path.read_bytes()
    smaller = compressed(content)
    if smaller:
        upload_replace(path, smaller)
    found = {NOTED: {"original_size": file.size, "text": text_on(content)}}
    # A client's own notes that are a list or a text stay as they are.
    metadata = {**noted, **found} if file.metadata is None or noted == file.metadata else file.metadata
    File.objects.filter(pk=file.pk).update(size=len(smaller or content), metadata=metadata)
    update = {"resource": "files", "action": "processed", "id": str(file.pk)}
    publish("updates", "update", update, to=set() if file.owner_id is None else {file.owner_id})
    return "compressed" if smaller else "looked at"


@transaction.atomic
def file_delete(*, file: File) -> None:
    """Forget a file. Its bytes stay: other rows may show them."""
    file.delete()


def _embedded(upload: Upload) -> str:
    # Made of the bytes alone, so a replay makes the same; what was pinned for it is taken all the same.
    made = f"data:{upload.mime_type};base64,{base64.b64encode(upload.content).decode()}"
    return pins().next_url() or made
