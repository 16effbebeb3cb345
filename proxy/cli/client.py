"""Asks the control API. Only the standard library, so that a verb starts quickly."""

from __future__ import annotations

import getpass
import http.client
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from proxy.errors import CutoverError

if TYPE_CHECKING:
    from proxy.config import Config

DEFAULT_CONFIG = Path("cutover.yaml")
DEFAULT_URL = "http://127.0.0.1:8081"
DEFAULT_TOKEN = Path("var/cutover/token")
ANSWER_WITHIN = 15.0


class Failed(CutoverError):
    """The control API's own words."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        super().__init__(str(document.get("message", document)))


class Control:
    """The control API of one deployment. Every method raises CutoverError with a text for people."""

    def __init__(self, url: str | None, config: Path | None) -> None:
        self._path = config
        self._url = url
        self._config: Config | None = None

    def get(self, path: str, **query: object) -> Any:
        """What is there."""
        return self.ask("GET", path, None, **query)

    def ask(self, method: str, path: str, body: object, **query: object) -> Any:
        """The answer's document; an answer that is an error is raised as Failed."""
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        address = self._address()
        headers = {
            "Authorization": f"Bearer {self._token()}",
            "X-Cutover-Who": _who(),
            "Content-Type": "application/json",
        }
        try:
            status, raw = _exchange(address, method, f"{path}?{asked}" if asked else path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise CutoverError(
                f"the control at {address} cannot be reached: {error}; is `cutover serve` running?"
            ) from error
        document = _parsed(raw, address)
        if status >= 400:
            raise Failed(document if isinstance(document, dict) else {"message": str(document), "code": status})
        return document

    def _address(self) -> str:
        if self._url:
            return self._url.rstrip("/")
        config = self._read()
        if config is None and not os.environ.get("CUTOVER_CONTROL_PORT"):
            return DEFAULT_URL
        host = config.listen.control_host if config else "127.0.0.1"
        port = os.environ.get("CUTOVER_CONTROL_PORT") or (config.listen.control_port if config else 8081)
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - it is asked for, not bound
        return f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{port}"

    def _token(self) -> str:
        if token := os.environ.get("CUTOVER_TOKEN"):
            return token
        config = self._read()
        if config and config.token:
            return config.token
        path = Path(config.store.directory) / "token" if config else DEFAULT_TOKEN
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise CutoverError(f"no token: set CUTOVER_TOKEN, or let {path} be read ({error.strerror})") from error

    def _read(self) -> Config | None:
        """The configuration, if there is one: a URL and a token are enough without."""
        if self._config is None and (self._path or DEFAULT_CONFIG.exists()):
            from proxy.config import read

            self._config = read(self._path or DEFAULT_CONFIG, os.environ)
        return self._config


def _exchange(address: str, method: str, target: str, body: object, headers: dict[str, str]) -> tuple[int, bytes]:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CutoverError(f"{address!r} is not a URL such as {DEFAULT_URL}")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=ANSWER_WITHIN)
    try:
        raw = None if body is None else json.dumps(body).encode()
        connection.request(method, f"{parts.path}{target}", raw, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _parsed(raw: bytes, address: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError as error:
        raise CutoverError(f"what answers at {address} is not cutover's control") from error


def _who() -> str:
    """The name for the history; a container may have none."""
    try:
        return getpass.getuser().encode("ascii", "replace").decode()
    except (KeyError, OSError):
        return ""
