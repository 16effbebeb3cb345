"""Where uploaded files are kept: at Cloudinary when its credentials are set, else on this machine's disk."""

from __future__ import annotations

from config import environment

CLOUDINARY_CLOUD_NAME = environment.optional("CLOUDINARY_CLOUD_NAME", "")
CLOUDINARY_API_KEY = environment.optional("CLOUDINARY_API_KEY", "")
CLOUDINARY_API_SECRET = environment.optional("CLOUDINARY_API_SECRET", "")
# Another address of its API, as its SDK calls it; empty means the usual one.
CLOUDINARY_UPLOAD_PREFIX = environment.optional("CLOUDINARY_UPLOAD_PREFIX", "")
# Somebody waits for the answer to the upload meanwhile.
CLOUDINARY_TIMEOUT = environment.number("CLOUDINARY_TIMEOUT", default=20)
