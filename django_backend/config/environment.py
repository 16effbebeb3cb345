"""Reads settings from the environment, and refuses to start on what it cannot understand."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off", ""})


def required(name: str) -> str:
    """The value of the variable `name`; missing and empty are the same mistake."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(f"Set the {name} environment variable")
    return value


def optional(name: str, default: str) -> str:
    """The value of the variable `name`, or `default` if it is missing or empty."""
    return os.environ.get(name, "").strip() or default


def items(text: str) -> list[str]:
    """The parts of a comma list. An empty text has none, where `"".split(",")` has one."""
    return [part.strip() for part in text.split(",") if part.strip()]


def required_items(name: str) -> list[str]:
    """The parts of the comma list `name`, at least one."""
    found = items(required(name))
    if not found:
        raise ImproperlyConfigured(f"Set the {name} environment variable")
    return found


def demand(names: Iterable[str]) -> None:
    """Refuse to go on while one of these variables is missing or empty. Only processes that serve ask for it."""
    for name in names:
        required_items(name)


def flag(name: str, *, default: bool = False) -> bool:
    """The variable `name` as a boolean; anything that is not clearly one is refused by name."""
    text = os.environ.get(name)
    if text is None:
        return default
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name} must be true or false, not {text!r}")
    return word in TRUE


def number(name: str, *, default: int) -> int:
    """The variable `name` as a whole number, not negative."""
    text = optional(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}")
    return int(text)


def database(name: str) -> dict[str, Any]:
    """Django's settings of the PostgreSQL database whose URL the variable `name` holds."""
    try:
        return database_settings(required(name))
    except ValueError as mistake:
        raise ImproperlyConfigured(f"{name} must be a postgresql:// URL") from mistake


def database_settings(url: str) -> dict[str, Any]:
    """Django's settings of the PostgreSQL database at `url`; ValueError if it is none.

    What follows the question mark goes to libpq as it is (`sslmode=require`, `host=/run/postgresql`).
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError(f"{parts.scheme} is not postgresql")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        # A database that does not answer, or stops answering, must not hold a worker's thread for minutes.
        "OPTIONS": {"connect_timeout": 3, "tcp_user_timeout": 10_000, **dict(parse_qsl(parts.query))},
    }
