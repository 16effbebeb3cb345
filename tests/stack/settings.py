"""Settings of backends for tests."""

from __future__ import annotations

from pathlib import Path

from proxy.embedded import free_port
from stack.backends import BackendSettings

SECRET = "a secret that only tests know, long enough to sign with"


def settings_for(node: str, django: str, redis_url: str = "redis://127.0.0.1:1/0", faults: Path = Path("/nowhere")) -> (
    BackendSettings
):  # fmt: skip
    """Both backends on free ports."""
    return BackendSettings(
        node_port=free_port(), django_port=free_port(), node_database=node, django_database=django, redis_url=redis_url,
        jwt_secret=SECRET, secret_key=SECRET, faults_file=faults, django_workers=1,
    )  # fmt: skip
