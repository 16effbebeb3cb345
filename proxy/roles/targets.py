"""The backends as those see them who send copies."""

from __future__ import annotations

from proxy.config import Config
from shadow.sender import Target


def targets(config: Config) -> dict[str, Target]:
    """Both, by name."""
    return {
        name: Target(name, backend.url, backend.host, backend.tls.verify, backend.tls.ca, backend.cooperates)
        for name, backend in config.backends.items()
    }
