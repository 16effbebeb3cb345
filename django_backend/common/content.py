"""Tells from its bytes what an uploaded file is; what its name and the client say about it proves nothing."""

from __future__ import annotations

import re

PICTURES = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|BM|II\*\0|MM\0\*|\0\0\x01\0|RIFF.{4}WEBP"
    rb"|.{4}ftyp(?:heic|heix|hevc|mif1|msf1|avif|avis)",
    re.DOTALL,
)
PROGRAMS = re.compile(
    rb"MZ.{0,62}\0|\x7fELF|#!|\xca\xfe\xba\xbe|[\xce\xcf]\xfa\xed\xfe|\xfe\xed\xfa[\xce\xcf]", re.DOTALL
)
# What a browser runs when somebody opens it: the pages of this origin hold tokens.
PAGES = re.compile(rb"<!doctype\s+(?:html|svg)|<(?:html|head|body|script|iframe|svg|\w+:svg)[\s>/]", re.IGNORECASE)
LOOKED_AT = 1024


def is_dangerous(content: bytes) -> bool:
    """Whether somebody's machine would run the file, or a browser the scripts in it."""
    head = content[:LOOKED_AT]
    return bool(PROGRAMS.match(head) or PAGES.search(head))


def is_picture(content: bytes) -> bool:
    """Whether the bytes begin as those of a picture do, whatever anybody says that they are."""
    return bool(PICTURES.match(content[:LOOKED_AT]))


def fits(content: bytes, claimed: str) -> bool:
    """Whether the bytes can be of the media type that the client named; of most types anything can."""
    head = content[:LOOKED_AT]
    if claimed.lower().startswith("image/"):
        return is_picture(head)
    if claimed.lower() == "application/pdf":
        return b"%PDF-" in head
    return True
