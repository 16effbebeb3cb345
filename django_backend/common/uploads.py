"""Uploaded files: which are taken, and where they are kept: at Cloudinary, or without its credentials on the disk."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from common.cloud import cloud_is_set, cloud_keep
from common.content import fits, is_dangerous
from common.copies.current import is_copy, pins
from common.exceptions import FileRefused, FileTooLarge, InvalidInput
from common.json import JsonParser

FORM_OR_JSON = (MultiPartParser, JsonParser)
LARGEST_FILE = 10 * 1024 * 1024
PREFIX = "/uploads/"
# The extension of a name is kept, for it tells browsers the type; of anything else but letters and digits nothing is.
EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,16}", re.ASCII)


@dataclass(frozen=True)
class Upload:
    """One file as the client sent it, after its bytes were found acceptable."""

    name: str
    mime_type: str
    content: bytes


def uploads_in(request: Request, field: str, *, most: int = 1) -> list[Upload]:
    """The files that came in `field`, all of them acceptable; nothing is stored yet. No other field may hold one."""
    files = request.FILES.getlist(field)
    if len(files) > most or set(request.FILES) - {field}:
        raise InvalidInput("Unexpected file", {field: [f"at most {most}, and none in another field"]})
    return [_accepted(file) for file in files]


@dataclass(frozen=True)
class Kept:
    """Where a file is; `public_id` is what Cloudinary calls it, None for one on the disk."""

    url: str
    public_id: str | None = None


def upload_keep(name: str, content: bytes, *, now: datetime) -> Kept:
    """Keep `content` under a new name with the extension of `name`. `UploadFailed` if the store does not take it.

    A copy stores nothing: the original has, in a place that both backends share.
    """
    extension = PurePosixPath(name).suffix
    kept = extension if EXTENSION.fullmatch(extension) else ""
    fresh = f"{int(now.timestamp() * 1000)}-{secrets.token_hex(4)}{kept}"
    if is_copy():
        return Kept(pins().next_url() or PREFIX + fresh)
    if cloud_is_set():
        return Kept(*cloud_keep(fresh, content))
    settings.UPLOAD_DIR.mkdir(parents=True, exist_ok=True)
    (settings.UPLOAD_DIR / fresh).write_bytes(content)
    return Kept(PREFIX + fresh)


def upload_replace(path: Path, content: bytes) -> None:
    """Put other bytes under the name of a file on the disk; whoever reads it meanwhile gets one or the other whole."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    draft.write_bytes(content)
    draft.replace(path)


def stored_file(url: str) -> Path | None:
    """Where the file of a URL is, by the last segment of it alone; None if it is not there.

    Old URLs are paths of other machines, and no URL may lead out of the directory.
    """
    name = url.replace("\\", "/").rpartition("/")[2]
    if not name or name.startswith(".") or "\0" in name:
        return None
    path: Path = settings.UPLOAD_DIR / name
    return path if path.is_file() else None


def with_charset(media_type: str) -> str:
    """A media type as it is sent: a text is one of UTF-8, as the legacy backend says too."""
    is_plain = media_type.startswith("text/") and "charset" not in media_type
    return f"{media_type}; charset=utf-8" if is_plain else media_type


def _accepted(file: UploadedFile[Any]) -> Upload:
    if (file.size or 0) > LARGEST_FILE:
        raise FileTooLarge
    content = file.read()
    claimed = file.content_type or "application/octet-stream"
    if is_dangerous(content):
        raise FileRefused
    if not fits(content, claimed):
        raise FileRefused("The file is not what it says it is", {"claimed": claimed})
    return Upload(file.name or "", claimed, content)
