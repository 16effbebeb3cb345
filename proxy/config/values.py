"""What single values of the configuration may be, each refused in words that say what was expected."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,31}$")]
Port = Annotated[int, Field(ge=0, le=65535)]


def _http_url(written: str) -> str:
    parts = urlsplit(written)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError('expected an absolute URL such as "http://127.0.0.1:3001"')
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise ValueError("expected only scheme, host and port: paths are passed on as the client sent them")
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError("expected a port from 1 to 65535") from error
    return f"{parts.scheme}://{parts.netloc}"


def _url_path(written: str) -> str:
    if not written.startswith("/") or any(c <= " " or c > "~" for c in written):
        raise ValueError('expected a path such as "/health"')
    return written


def _network(written: str) -> str:
    return str(ipaddress.ip_network(written, strict=False))


HttpUrl = Annotated[str, AfterValidator(_http_url)]
UrlPath = Annotated[str, AfterValidator(_url_path)]
Network = Annotated[str, AfterValidator(_network)]
