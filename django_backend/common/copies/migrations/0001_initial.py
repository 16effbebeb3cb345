"""Creates the table of recorded answers."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar[list[Any]] = []

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="RecordedAnswer",
            fields=[
                ("key", models.TextField(primary_key=True, serialize=False)),
                ("method", models.TextField()),
                ("target", models.TextField()),
                ("fingerprint", models.TextField()),
                ("status", models.IntegerField(null=True)),
                ("content_type", models.TextField(default="")),
                ("body", models.BinaryField(default=b"")),
                ("recorded_at", models.DateTimeField(db_index=True)),
            ],
            options={"db_table": "recorded_answers"},
        ),
    ]
