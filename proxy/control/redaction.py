"""The configuration without its secrets: to be shown, and to be told from another one by its hash."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson
from pydantic import TypeAdapter

from proxy.config import Config

HIDDEN = "***"
_ADAPTER: TypeAdapter[Config] = TypeAdapter(Config)


def shown(config: Config) -> dict[str, Any]:
    """Every setting with its value; tokens, the secret and the passwords in URLs are hidden."""
    document: dict[str, Any] = _ADAPTER.dump_python(config, mode="json")
    for name in ("token", "viewer_token", "secret"):
        document[name] = document[name] and HIDDEN
    for name in ("database", "redis"):
        document["store"][name] = _without_password(document["store"][name])
    for backend in document["backends"].values():
        backend["database"] = _without_password(backend["database"])
        backend["token_secret"] = backend["token_secret"] and HIDDEN
    return document


def fingerprint(config: Config) -> str:
    """The same for the same settings, secrets aside."""
    return hashlib.sha256(orjson.dumps(shown(config), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _without_password(url: str | None) -> str | None:
    if not url:
        return url
    parts = urlsplit(url)
    if not parts.scheme or not parts.netloc:
        return HIDDEN  # `host=… password=…`: what cannot be taken apart is hidden whole
    _, at, address = parts.netloc.rpartition("@")
    user = parts.username or ""
    hidden = f"{user}:{HIDDEN}@{address}" if parts.password else f"{user}{at}{address}"
    query = HIDDEN if "password" in parts.query else parts.query
    return urlunsplit(parts._replace(netloc=hidden, query=query))
