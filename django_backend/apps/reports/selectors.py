"""Reads reports, as rows that are ready to be sent; and finds the bytes of a report that is ready."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from apps.files.models import File
from apps.files.selectors import media_type
from apps.reports.models import Report
from common.exceptions import Missing, NotReady
from common.rows import columns
from common.uploads import stored_file


@dataclass(frozen=True)
class Download:
    """A file to be saved."""

    filename: str
    mime_type: str
    content: bytes


def report_list() -> QuerySet[Report, Any]:
    """The rows of all reports, newest first."""
    rows: QuerySet[Report, Any] = Report.objects.order_by("-created_at", "id").values(*columns(Report))
    return rows


def report_file(report: Report) -> File:
    """The file of a report that is ready."""
    if report.status != "completed":
        raise NotReady("Report is not ready")
    if report.file is None:
        raise Missing("File not found")
    return report.file


def report_download(file: File) -> Download:
    """The bytes of a file whose URL is not one of another host; `Missing` if they are gone."""
    url = file.url or ""
    content = _embedded(url) if url.startswith("data:") else _stored(url)
    # Where nobody noted what the file is, its name says it, as in the legacy.
    return Download(file.filename, file.mime_type or media_type(Path(file.filename)), content)


def _embedded(url: str) -> bytes:
    _, _, encoded = url.partition(",")
    try:
        return base64.b64decode(encoded)
    except binascii.Error as mistake:
        raise Missing("File not found") from mistake


def _stored(url: str) -> bytes:
    # "/uploads/x", or a path on the machine that made the report: only the last segment counts.
    path = stored_file(url)
    if path is None:
        raise Missing("File not found")
    return path.read_bytes()
