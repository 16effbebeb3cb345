"""Tokens for copies of writes, for the backends whose secret is known."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from proxy.config import Backend
from shadow.dualwrite.minting import Hs256Minter
from shadow.sender import Target

log = structlog.get_logger("journal")


class KnownTokens:
    """Mints with `token_secret`; a backend without one gets copies without a token, which is said once."""

    def __init__(self, backends: Mapping[str, Backend]) -> None:
        secrets = {name: backend.token_secret.encode() for name, backend in backends.items() if backend.token_secret}
        self._minter = Hs256Minter(secrets)
        self._known = frozenset(secrets)
        self._said: set[str] = set()

    def mint(self, actor: object, target: Target, now: float) -> str | None:
        """The value of Authorization; None where the write had no actor, or no secret is known."""
        if target.name in self._known:
            return self._minter.mint(actor, target, now)
        if actor is not None and target.name not in self._said:
            self._said.add(target.name)
            log.warning("no_tokens", backend=target.name, hint=f"set backends.{target.name}.token_secret")
        return None
