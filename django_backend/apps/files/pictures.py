"""Makes pictures smaller. Pure: bytes in, bytes out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image, ImageOps

from common.content import is_picture

# What is smaller than this is not worth a worker's time.
WORTH_BYTES = 64 * 1024
# Nobody looks at a page with more; a camera makes three times as many.
LONGEST_SIDE = 2048
# What has more is left alone: unpacked it would fill a worker's memory, whatever its file takes.
MOST_PIXELS = 50_000_000
# A new file must be worth the loss: at most this share of the old one.
WORTH_SHARE = 0.9
UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
# How each kind is written; those of any other kind are left alone.
WRITTEN: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 82, "optimize": True, "progressive": True},
    "PNG": {"optimize": True},
    "WEBP": {"quality": 82, "method": 4},
}


def worth_processing(url: str, content: bytes) -> bool:
    """Whether a worker should look at an upload: a picture of some size that lies on the disk.

    Cloudinary makes pictures smaller when it delivers them.
    """
    return url.startswith("/uploads/") and len(content) >= WORTH_BYTES and is_picture(content)


@contextmanager
def opened(content: bytes) -> Iterator[Image.Image | None]:
    """The picture in `content` while the block runs, not unpacked yet; None if there is none that may be."""
    try:
        picture = Image.open(io.BytesIO(content))
    except UNREADABLE:
        # It began as a picture and is none, or one that is made to exhaust whoever opens it.
        yield None
        return
    with picture:
        yield picture if picture.width * picture.height <= MOST_PIXELS else None


def compressed(content: bytes) -> bytes | None:
    """The same picture in fewer bytes and of the same kind; None if there is nothing to gain, or it is no picture.

    What a camera noted in it (where, when, with what) is left out, but for which side is up.
    """
    with opened(content) as picture:
        # One of many frames would be left of an animation.
        if picture is None or picture.format not in WRITTEN or getattr(picture, "n_frames", 1) > 1:
            return None
        try:
            smaller = _written(picture, picture.format)
        except UNREADABLE:
            return None
    return smaller if len(smaller) <= WORTH_SHARE * len(content) else None


def _written(picture: Image.Image, kind: str) -> bytes:
    colours = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    # Nothing else that the old file said is written.
    upright.save(out, kind, icc_profile=colours, **WRITTEN[kind])
    return out.getvalue()
