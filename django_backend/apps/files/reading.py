"""Reads what is written on a picture: a scanned letter can be found by its words then."""

from __future__ import annotations

from functools import cache
from typing import Any

from PIL import Image, ImageOps

from apps.files.pictures import UNREADABLE, opened

# Below this the recogniser itself does not believe what it read.
BELIEVED = 0.6
LONGEST_TEXT = 10_000
# Letters are large enough for the recogniser then, and a picture fits into a worker's memory.
LONGEST_SIDE = 1600


def text_on(content: bytes) -> str:
    """The lines that can be read on a picture, one below the other; nothing for what is no picture."""
    with opened(content) as picture:
        if picture is None:
            return ""
        try:
            upright = ImageOps.exif_transpose(picture).convert("RGB")
        except UNREADABLE:
            return ""
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return text_of(_recogniser()(_pixels(upright))[0])


def text_of(lines: list[Any] | None) -> str:
    """The text of what the recogniser found: a list of a place, a text and how sure it is, or nothing at all."""
    believed = (str(text).replace("\0", "") for _, text, sure in lines or [] if float(sure) >= BELIEVED)
    return "\n".join(believed)[:LONGEST_TEXT]


def _pixels(picture: Image.Image) -> Any:
    import numpy

    # In the order of colours that the recogniser was taught with.
    return numpy.asarray(picture)[:, :, ::-1]


@cache
def _recogniser() -> Any:
    # Only in a worker that needs it: it and its models take a second and a hundred megabytes.
    from rapidocr_onnxruntime import RapidOCR

    # One thread: a worker has as many processes as it is to use.
    return RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
