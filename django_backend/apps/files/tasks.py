"""Looks at uploaded files behind the answers."""

from __future__ import annotations

from celery import shared_task

from apps.files.models import File
from apps.files.services import file_process
from common.jobs.job import Job


@shared_task(bind=True, base=Job)
def process_file(self: Job, file_id: str) -> str:
    """Make a picture smaller and note what is written on it; says what was done."""
    return file_process(file=File.objects.select_for_update().get(pk=file_id))
