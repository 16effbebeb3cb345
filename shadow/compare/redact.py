"""Removes secrets from whatever is about to be stored: by the names of fields, and by what tokens look like."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_plus

import orjson

from shadow.compare import paths

REDACTED = "[redacted]"
EXCERPT = 4_000
_VALUES = 1_000
_DEEPEST = 60
# A JSON Web Token is base64 of `{"`…, so its parts can be told from other text; a cut one is one, too.
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){0,2}")
_SCHEME = re.compile(r"\b(bearer|basic|digest|negotiate)\s+[A-Za-z0-9._~+/=-]+", re.IGNORECASE)
_SEPARATORS = re.compile(r"[^a-z0-9]")


class Redactor:
    """Redacts by the configured fragments of names, in any letter case and with any separators.

    What it returns holds no value of such a field, no bearer or basic credentials and no JSON Web Token.
    """

    def __init__(self, fragments: Iterable[str]) -> None:
        plain = [_plain(fragment) for fragment in fragments]
        self._fragments = tuple(fragment for fragment in plain if fragment)
        self._written = _written(self._fragments) if self._fragments else None

    def is_secret(self, name: str) -> bool:
        """Whether a field of this name is not to be stored."""
        plain = _plain(name)
        return any(fragment in plain for fragment in self._fragments)

    def value(self, value: Any, depth: int = 0) -> Any:
        """A JSON value with the same shape and no secrets; what is nested too deeply is left out."""
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, (dict, list)):
            return value
        if depth >= _DEEPEST:
            return "(nested too deeply)"
        if isinstance(value, list):
            return [self.value(inner, depth + 1) for inner in value]
        return {
            self.text(name): REDACTED if self.is_secret(name) else self.value(inner, depth + 1)
            for name, inner in value.items()
        }

    def at(self, pattern: str, value: Any) -> Any:
        """A value that was found at this pattern: redacted as a whole if a name on the way there is secret."""
        if pattern.startswith("$"):
            steps = paths.parse(pattern).steps
            if any(isinstance(step, str) and self.is_secret(step) for step in steps):
                return REDACTED
        return self.value(value)

    def text(self, text: str) -> str:
        """Text of any kind without tokens, and without the values behind secret names."""
        text = _JWT.sub(REDACTED, _SCHEME.sub(REDACTED, text))
        if self._written is None or not ("=" in text or ":" in text):
            return text
        return self._written.sub(rf"\1{REDACTED}", text)

    def target(self, target: bytes) -> str:
        """A request target without secrets in its path or query."""
        path, mark, query = target.decode("latin-1").partition("?")
        return self._decoded(path) + mark + "&".join(self._parameter(part) for part in query.split("&"))

    def body(self, body: bytes) -> str:
        """The beginning of a body, redacted before it is cut."""
        try:
            text = orjson.dumps(self.value(beginning(orjson.loads(body)))).decode()
        except ValueError:  # not JSON, so it is redacted as text
            text = self.text(body[: 4 * EXCERPT].decode("utf-8", "replace").replace("\0", "\ufffd"))
        return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}… ({len(body)} bytes)"

    def _parameter(self, part: str) -> str:
        name, mark, _ = part.partition("=")
        if self.is_secret(unquote_plus(name)) and mark:
            return f"{self._decoded(name)}={REDACTED}"
        return self._decoded(part)

    def _decoded(self, text: str) -> str:
        """The text itself, unless a token hides behind percent signs."""
        plain = unquote_plus(text)
        return text if self.text(plain) == plain else self.text(plain)


def beginning(value: Any, most: int = _VALUES) -> Any:
    """The first values of a large JSON value; what is left out could not be shown anyway."""
    left = [most]

    def cut(value: Any, depth: int) -> Any:
        left[0] -= 1
        if depth >= _DEEPEST or not isinstance(value, (dict, list)):
            return value
        if isinstance(value, list):
            return [cut(inner, depth + 1) for inner in value if left[0] > 0]
        return {name: cut(inner, depth + 1) for name, inner in value.items() if left[0] > 0}

    return cut(value, 0)


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name.lower())


def _written(fragments: Iterable[str]) -> re.Pattern[str]:
    """Finds `name=value` and `name: value` in text; a value behind a colon reaches to the end of its line."""
    names = "|".join("[^A-Za-z0-9]?".join(re.escape(letter) for letter in fragment) for fragment in fragments)
    quote = r"(?:\\*[\"'])?\s*"
    return re.compile(
        rf"((?:{names})[A-Za-z0-9_.\-]{{0,64}}{quote}(?:=(?=[^\s&;])|:))(?:(?<==)[^\s&;]+|(?<=:)[^\r\n]*)", re.I
    )
