"""Reads files, as rows that are ready to be sent; and finds their bytes."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

from django.db.models import Q, QuerySet

from apps.files.models import File
from common.exceptions import Missing
from common.rows import columns
from common.uploads import stored_file

# What a browser shows without running anything in it; all else is offered for saving.
SHOWN = frozenset({"application/pdf", "text/plain"})
SHOWN_KINDS = ("image/", "audio/", "video/")
SCRIPTED = "image/svg+xml"


def file_list(wanted: Q) -> QuerySet[File, Any]:
    """The rows of the files that are wanted, newest first."""
    rows: QuerySet[File, Any] = File.objects.filter(wanted).order_by("-created_at", "id").values(*columns(File))
    return rows


def uploaded_file(name: str) -> Path:
    """Where an uploaded file is; `Missing` if it is not there."""
    path = stored_file(name)
    if path is None:
        raise Missing
    return path


def media_type(path: Path) -> str:
    """What the name says the file is."""
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def may_be_shown(kind: str) -> bool:
    """Whether a browser may open a file of this media type: pages of this origin hold tokens."""
    return kind in SHOWN or (kind.startswith(SHOWN_KINDS) and kind != SCRIPTED)
