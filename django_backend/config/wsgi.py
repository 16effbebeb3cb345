"""The entry point of gunicorn."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

_django = get_wsgi_application()

# Only now: what it imports takes its settings from Django.
from django.conf import settings  # noqa: E402

from common.chunked import ChunkedBodies  # noqa: E402
from config import environment  # noqa: E402

environment.demand(settings.NEEDED_BY_WEB)
application = ChunkedBodies(_django)
