"""A backend behind TLS: its certificate is checked unless somebody says otherwise, in the log too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from structlog.typing import EventDict

from tests.proxy.edge.conftest import StageWith
from tests.support.authority import Authority, Key, new_key
from tests.support.edge import Stage
from tests.support.wire import Backend, Visit


@dataclass
class World:
    """An authority that the edge knows, one that it does not, and a key for the backend."""

    known: Authority
    unknown: Authority
    key: Key


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    directory = tmp_path_factory.mktemp("authorities")
    return World(Authority("known", directory, new_key()), Authority("unknown", directory, new_key()), new_key())


TlsStage = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def tls_stage(world: World, stage_with: StageWith) -> AsyncIterator[TlsStage]:
    """A stage whose active backend has a certificate of `signer` for `address`."""

    async def make(signer: Authority, address: str = "127.0.0.1", ca: Path | None = None, **both: Any) -> Stage:
        backend = await Backend().start(signer.server(world.key, address))
        tls = {"ca": str(ca or world.known.file)} | both.pop("tls", {})
        return await stage_with(active=backend, both={"tls": tls, **both})

    yield make


@pytest.mark.parametrize("host", ["preserve", "upstream"])
async def test_a_certificate_of_the_known_authority_is_accepted_whatever_host_is_sent(
    tls_stage: TlsStage, world: World, host: str
) -> None:
    """The name that is checked is the one in `url`, not the client's Host."""
    stage = await tls_stage(world.known, host=host)
    assert (await stage.get()).body == b"ok"
    assert (await stage.ask(b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi")).body == b"ok"
    expected = b"a.example" if host == "preserve" else b"127.0.0.1:%d" % stage.active.port
    assert [request.get(b"host") for request in stage.active.requests] == [expected] * 2


async def test_connections_with_tls_are_used_again(tls_stage: TlsStage, world: World) -> None:
    """What TLS itself sends between two requests is no reason to distrust the connection."""
    stage = await tls_stage(world.known)
    for _ in range(5):
        assert (await stage.get()).body == b"ok"
    assert stage.active.connections == 1


async def test_a_certificate_of_an_unknown_authority_is_502(tls_stage: TlsStage, world: World) -> None:
    """Not one byte of the request gets there."""
    stage = await tls_stage(world.unknown)
    assert (await stage.get(b"/", b"Authorization: Bearer x\r\n")).status == 502
    assert stage.active.requests == []


async def test_a_certificate_for_another_address_is_502(tls_stage: TlsStage, world: World) -> None:
    """A good signature on somebody else's name proves nothing."""
    stage = await tls_stage(world.known, "127.0.0.2")
    assert (await stage.get()).status == 502
    assert stage.active.requests == []


async def test_verification_can_be_switched_off_and_says_so(
    tls_stage: TlsStage, world: World, events: list[EventDict]
) -> None:
    """For tests only; the log reminds."""
    stage = await tls_stage(world.unknown, "127.0.0.2", tls={"verify": False})
    assert (await stage.get()).body == b"ok"
    assert [event["event"] for event in events if event["log_level"] == "warning"].count("tls_not_verified") >= 1


async def test_a_backend_that_speaks_no_tls_is_502(stage_with: StageWith, world: World) -> None:
    """And the other way round."""

    async def no_tls(visit: Visit) -> None:
        await visit.reader.read(1000)
        await visit.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    plain = await Backend(no_tls).start()
    plain.scheme = "https"
    stage = await stage_with(active=plain, both={"tls": {"ca": str(world.known.file)}})
    assert (await stage.get()).status == 502
    veiled = await Backend().start(world.known.server(world.key))
    veiled.scheme = "http"
    stage = await stage_with(active=veiled)
    assert (await stage.get()).status == 502


async def test_an_answer_over_tls_that_is_cut_is_not_whole(tls_stage: TlsStage, world: World) -> None:
    """RFC 9112 section 9.8."""
    stage = await tls_stage(world.known)

    async def half(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        visit.reset()

    stage.active.script = half
    client = await stage.connect()
    await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    with pytest.raises(ConnectionError):
        await client.rest()
