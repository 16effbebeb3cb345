"""Who may ask and who may change things: bearer tokens, one for each role."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from proxy.config import Config
from proxy.errors import CutoverError


class Role(IntEnum):
    """The greater may do all that the lesser may."""

    VIEWER = 1
    OPERATOR = 2


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one deployment; never shown."""

    operator: str
    viewer: str | None

    def role(self, authorization: str | None) -> Role | None:
        """The role that an Authorization header proves; None if it proves nothing. Takes the same time for all."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        operator = _same(token.strip(), self.operator)
        viewer = _same(token.strip(), self.viewer or secrets.token_urlsafe())
        return Role.OPERATOR if operator else Role.VIEWER if viewer else None


def tokens(config: Config, environment: Mapping[str, str]) -> Tokens:
    """From CUTOVER_TOKEN, else from the configuration, else from a file that is made once."""
    operator = environment.get("CUTOVER_TOKEN") or config.token or _kept(token_file(config))
    return Tokens(operator, config.viewer_token or None)


def token_file(config: Config) -> Path:
    """Where a token that nobody chose is kept."""
    return Path(config.store.directory) / "token"


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _kept(path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CutoverError(f"the operator's token cannot be kept in {path}: {error}; set CUTOVER_TOKEN") from error
    if not token:
        raise CutoverError(f"{path} is empty: remove it, and a new token is made")
    return token


def _make(path: Path) -> None:
    """Whole or not at all, also when several processes start at once: the first one's token is everybody's."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
