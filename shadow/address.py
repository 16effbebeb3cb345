"""Where a backend listens, and how it proves that it is the one: what every connection to it begins with."""

from __future__ import annotations

import asyncio
import ssl
from functools import cached_property
from urllib.parse import urlsplit

import structlog

from shadow.connection import Connection, Fault, UpstreamError

log = structlog.get_logger()


class Address:
    """Of one URL. `host` is its authority as a Host field has it, `path` what it puts before every target."""

    def __init__(self, url: str, *, verify: bool = True, ca: str | None = None) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._hostname = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = _trust(verify, ca) if parts.scheme == "https" else None
        self.host = parts.netloc.rpartition("@")[2].encode("idna" if not parts.netloc.isascii() else "ascii")
        self.path = parts.path.rstrip("/").encode()

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """Asked for once: before Python 3.12 asking is a system call."""
        return asyncio.get_running_loop()

    async def connect(self) -> Connection:
        """A new connection. Raises UpstreamError (REFUSED); how long it may take is the caller's to say."""
        try:
            _, connection = await self._loop.create_connection(
                Connection, self._hostname, self._port, ssl=self._tls,
                server_hostname=self._hostname if self._tls else None,
            )  # fmt: skip
        except TimeoutError:
            raise
        except OSError as error:
            raise UpstreamError(Fault.REFUSED, str(error)) from error
        return connection


def _trust(verify: bool, ca: str | None) -> ssl.SSLContext:
    """How the certificate is checked; read once, because loading a file of certificates is slow."""
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        log.warning("tls_not_verified", hint="set tls.verify to true: a certificate that nobody checks proves nothing")
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
