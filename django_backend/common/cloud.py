"""Keeps files at Cloudinary, through its own SDK. What goes wrong there is told in words that give nothing away."""

from __future__ import annotations

import cloudinary
import cloudinary.uploader
import structlog
from cloudinary import exceptions
from django.conf import settings

from common.content import is_picture
from common.exceptions import UploadFailed, UploadRefused

REASONS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.RateLimited, "the store takes no more for now"),
    (exceptions.AuthorizationRequired, "the store does not know us"),
    (exceptions.NotAllowed, "the store does not let us in"),
)

log = structlog.get_logger(__name__)


def cloud_is_set() -> bool:
    """Whether there are credentials; half of them are as good as none."""
    return all((settings.CLOUDINARY_CLOUD_NAME, settings.CLOUDINARY_API_KEY, settings.CLOUDINARY_API_SECRET))


def cloud_keep(name: str, content: bytes) -> tuple[str, str]:
    """Keep `content` under `name` and say its URL and what the store calls it. `UploadFailed` if it is not kept."""
    picture = is_picture(content)
    try:
        kept = cloudinary.uploader.upload(
            # A name beside the bytes, so that a file of no bytes is one as well.
            (name, content),
            # The store puts the extension of a picture at the end of its URL, of nothing else.
            public_id=name.rpartition(".")[0] or name if picture else name,
            resource_type="image" if picture else "raw",
            overwrite=False,
            cloud_name=settings.CLOUDINARY_CLOUD_NAME,
            api_key=settings.CLOUDINARY_API_KEY,
            api_secret=settings.CLOUDINARY_API_SECRET,
            upload_prefix=settings.CLOUDINARY_UPLOAD_PREFIX or None,
            timeout=settings.CLOUDINARY_TIMEOUT,
        )
        return str(kept["secure_url"]), str(kept["public_id"])
    except exceptions.BadRequest as refusal:
        # What it says about a file is meant for whoever sent it.
        raise UploadRefused(str(refusal)) from refusal
    except (exceptions.Error, KeyError) as trouble:
        log.warning("a file could not be kept", reason=type(trouble).__name__, says=str(trouble)[:200])
        raise UploadFailed(_reason(trouble)) from trouble


def _reason(trouble: Exception) -> str:
    return next((words for kind, words in REASONS if isinstance(trouble, kind)), "the store cannot be reached")
