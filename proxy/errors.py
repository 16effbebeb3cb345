"""The few ways in which cutover fails, by what the caller should do."""

from __future__ import annotations

from collections.abc import Sequence


class CutoverError(Exception):
    """Anything cutover refuses or fails to do; its text is for people."""


class ConfigError(CutoverError):
    """The configuration is wrong: mend every mistake listed, then try again."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class Refused(CutoverError):
    """The request is understood and not allowed now; the text says why and what to do instead."""


class Conflict(CutoverError):
    """Somebody else changed the state in between: read it again and decide again."""


class StoreUnavailable(CutoverError):
    """PostgreSQL or Redis did not answer: try again later."""
