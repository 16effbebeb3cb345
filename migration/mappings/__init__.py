"""The pairs of systems that rows can be moved between, one file each."""

from __future__ import annotations

from migration.mapping import RowMapping
from migration.mappings.rotc import ROTC

__all__ = ["MAPPINGS", "ROTC"]

MAPPINGS: dict[str, RowMapping] = {mapping.name: mapping for mapping in (ROTC,)}
