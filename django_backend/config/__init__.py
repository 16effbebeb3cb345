"""How the backend is put together: settings, addresses, entry points."""

from __future__ import annotations

# Whoever queues a job must know where: the tasks belong to this application in every process.
from config.celery import app as celery_app

__all__ = ["celery_app"]
