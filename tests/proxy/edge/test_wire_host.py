"""Host: one, well-formed, kept or replaced as the backend is configured (http-checklist rows 15, 22 to 24)."""

from __future__ import annotations

import pytest

from tests.proxy.edge.conftest import StageWith
from tests.support.edge import Stage


@pytest.mark.parametrize(
    "host",
    [b"a.example", b"A.Example:8080", b"127.0.0.1", b"[::1]:80", b"a_b.example", b"xn--bcher-kva.example", b"", b"a:"],
)
async def test_the_clients_host_is_preserved(stage: Stage, host: bytes) -> None:
    """Row 24: RFC 9110 section 7.2."""
    assert (await stage.ask(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % host)).status == 200
    (got,) = stage.active.requests
    assert got.get(b"host") == host
    assert got.get(b"x-forwarded-host") == (host or None)


async def test_host_can_be_the_backends_own(stage_with: StageWith) -> None:
    """Row 24: the client's stays known as X-Forwarded-Host."""
    stage = await stage_with(both={"host": "upstream"})
    await stage.get()
    (got,) = stage.active.requests
    assert got.get(b"host") == b"127.0.0.1:%d" % stage.active.port
    assert got.get(b"x-forwarded-host") == b"a.example"


async def test_a_request_of_http_1_0_without_host_gets_none_that_means_something(stage: Stage) -> None:
    """Row 23: RFC 9112 section 3.2."""
    assert (await stage.ask(b"GET / HTTP/1.0\r\n\r\n")).status == 200
    (got,) = stage.active.requests
    assert got.get(b"host") == b""
    assert got.get(b"x-forwarded-host") is None
    assert got.start == b"GET / HTTP/1.1"


@pytest.mark.parametrize(
    "fields",
    [
        b"",
        b"Host: a\r\nHost: a\r\n",
        b"Host: a\r\nhost: b\r\n",
        b"Host: a b\r\n",
        b"Host: a/b\r\n",
        b"Host: a@b\r\n",
        b"Host: a, b\r\n",
        b"Host: http://a\r\n",
        b"Host: a:b\r\n",
        b"Host: a:123456\r\n",
        b"Host: a\\b\r\n",
        b'Host: a"b\r\n',
        b"Host: a?b\r\n",
        b"Host: a#b\r\n",
        b"Host: [::1\r\n",
        b"Host: caf\xe9\r\n",
    ],
)
async def test_a_missing_repeated_or_malformed_host_is_refused(stage: Stage, fields: bytes) -> None:
    """Rows 15, 22: RFC 9112 section 3.2."""
    assert (await stage.ask(b"GET / HTTP/1.1\r\n" + fields + b"\r\n")).status == 400
    assert stage.active.requests == []
