"""Which cutover this is."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path


@cache
def version() -> str:
    """The installed version; of a checkout that is not installed, the one that pyproject.toml says."""
    try:
        return metadata.version("cutover")
    except metadata.PackageNotFoundError:
        project = Path(__file__).resolve().parent.parent / "pyproject.toml"
        said = tomllib.loads(project.read_text(encoding="utf-8")) if project.exists() else {}
        return str(said.get("project", {}).get("version", "unknown"))
