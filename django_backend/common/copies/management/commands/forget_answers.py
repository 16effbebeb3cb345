"""`manage.py forget_answers --days 14`: forget answers that nobody will ask for any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from common.copies.answers import answers_forget


class Command(BaseCommand):
    help = "Forget recorded answers that are older than some days. Refusals stay for ever."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=14, help="how long answers are kept (14)")

    def handle(self, *args: Any, **options: Any) -> None:
        forgotten = answers_forget(before=timezone.now() - timedelta(days=options["days"]))
        self.stdout.write(f"{forgotten} forgotten")
