"""Secrets that nobody chose: made once, kept in a file that only its owner may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from proxy.errors import CutoverError


def kept_secret(path: Path, instead: str) -> str:
    """The secret in `path`, made by the first process that needs it; many may ask at once.

    Raises CutoverError, which tells to set `instead`, when it cannot be kept or is empty.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CutoverError(f"no secret can be kept in {path}: {error}; set {instead}") from error
    if not secret:
        raise CutoverError(f"{path} is empty: remove it, and a new secret is made")
    return secret


def _make(path: Path) -> None:
    """Whole or not at all: the first process's secret is everybody's, and nobody reads half of one."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
