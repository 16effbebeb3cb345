"""Who may ask and who may change things: bearer tokens, one for each role."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from proxy.config import Config
from proxy.secret import kept_secret


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
    operator = environment.get("CUTOVER_TOKEN") or config.token or kept_secret(token_file(config), "CUTOVER_TOKEN")
    return Tokens(operator, config.viewer_token or None)


def token_file(config: Config) -> Path:
    """Where a token that nobody chose is kept."""
    return Path(config.store.directory) / "token"


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape"))
