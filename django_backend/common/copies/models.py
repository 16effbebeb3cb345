"""The answers that were given to writes, each under the key of its write."""

from __future__ import annotations

from django.db import models


class RecordedAnswer(models.Model):
    """What a write was answered, stored by the transaction that did it. No status means: refused for ever."""

    key = models.TextField(primary_key=True)
    method = models.TextField()
    target = models.TextField()
    # Who asked and with which body, as a digest; a key that comes back with another one is used wrongly.
    fingerprint = models.TextField()
    status = models.IntegerField(null=True)
    content_type = models.TextField(default="")
    body = models.BinaryField(default=b"")
    recorded_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "recorded_answers"

    def __str__(self) -> str:
        return f"{self.status or 'refusal'} to {self.method} {self.target}"
