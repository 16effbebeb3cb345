"""Takes data out of the system behind the scenes."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from apps.authentication.models import User
from apps.files.services import file_create
from apps.messaging.services import notification_create
from apps.system.exports import table_csv
from common.jobs.job import Job
from common.uploads import Upload


@shared_task(bind=True, base=Job)
def export_data(self: Job, table: str, owner_id: int) -> str:
    """Write a table as a CSV file that belongs to a user, and tell the user; returns the id of the file."""
    owner, now = User.objects.get(pk=owner_id), timezone.now()
    upload = Upload(f"{table}.csv", "text/csv", table_csv(table))
    file = file_create(upload=upload, embed=False, metadata={"export": table}, owner_id=owner.pk, now=now)
    notification_create(user_id=owner.pk, type="export", message=f"Export ready: {table}", now=now)
    return str(file["id"])
