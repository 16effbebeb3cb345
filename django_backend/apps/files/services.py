"""Keeps files and forgets them. Every service is one transaction: all of it happens, or nothing."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.files.models import File
from common.copies.current import pins
from common.rows import row_create
from common.uploads import Upload, upload_store


@transaction.atomic
def file_create(*, upload: Upload, embed: bool, metadata: Any, owner_id: int | None, now: datetime) -> dict[str, Any]:
    """Keep a file and answer its row; with `embed` its bytes become the URL, and nothing is written to disk."""
    return row_create(
        File,
        owner_id=owner_id,
        filename=upload.name,
        url=_embedded(upload) if embed else upload_store(upload.name, upload.content, now=now),
        mime_type=upload.mime_type,
        size=len(upload.content),
        metadata=metadata,
        created_at=now,
    )


@transaction.atomic
def file_delete(*, file: File) -> None:
    """Forget a file. Its bytes stay: other rows may show them."""
    file.delete()


def _embedded(upload: Upload) -> str:
    # Made of the bytes alone, so a replay makes the same; what was pinned for it is taken all the same.
    made = f"data:{upload.mime_type};base64,{base64.b64encode(upload.content).decode()}"
    return pins().next_url() or made
