"""Looks at uploaded files behind the answers."""

from __future__ import annotations

from celery import shared_task

from apps.files.models import File
from apps.files.services import file_process
from common.jobs.job import Job


class PictureJob(Job):
    """One whose worker died is not done again: the picture itself may have been too much for it."""

    abstract = True
    reject_on_worker_lost = False


@shared_task(bind=True, base=PictureJob)
def process_file(self: PictureJob, file_id: str) -> str:
    """Make a picture smaller and note what is written on it; says what was done."""
    return file_process(file=File.objects.select_for_update().get(pk=file_id))
