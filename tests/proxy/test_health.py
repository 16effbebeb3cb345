"""The health probe believes two failures and one success, against real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from proxy.config import Backend
from proxy.errors import ConfigError
from proxy.health import HealthProbe


class Patient:
    """A backend whose health can be told."""

    def __init__(self) -> None:
        self.status = 200
        self.hang = False
        self.asked = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.hang:
            await asyncio.sleep(5)
        return web.Response(status=self.status)


@asynccontextmanager
async def serving(patient: Patient) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/health", patient.answer)
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("")).rstrip("/")
    await server.close()


@asynccontextmanager
async def probing(url: str) -> AsyncIterator[HealthProbe]:
    backend = Backend(url=url, health="/health", probe_interval=0.02, probe_timeout=0.3)
    probe, stop = HealthProbe({"one": backend}), asyncio.Event()
    running = asyncio.create_task(probe.run(stop))
    yield probe
    stop.set()
    await running


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


async def test_nothing_is_certain_before_the_first_answer() -> None:
    probe = HealthProbe({"one": Backend(url="http://127.0.0.1:1")})
    assert probe.status("one").healthy is None
    assert probe.healthy() == {"one": None}


async def test_one_success_is_health_and_two_failures_are_sickness_and_one_success_heals() -> None:
    patient = Patient()
    async with serving(patient) as url, probing(url) as probe:
        await until(lambda: probe.status("one").healthy is True)
        patient.status = 503
        await until(lambda: probe.status("one").healthy is False)
        assert probe.status("one").reason == "its health check answers 503"
        patient.status = 204
        await until(lambda: probe.status("one").healthy is True)


def test_a_single_failure_is_not_believed() -> None:
    probe = HealthProbe({"one": Backend(url="http://127.0.0.1:1")})
    probe._note("one", None)
    probe._note("one", "answers 503")
    assert probe.status("one").healthy is True
    probe._note("one", None)
    probe._note("one", "answers 503")
    assert probe.status("one").healthy is True
    probe._note("one", "answers 503")
    assert probe.status("one").healthy is False


@pytest.mark.parametrize("status", [301, 404, 500])
async def test_only_success_is_health(status: int) -> None:
    patient = Patient()
    patient.status = status
    async with serving(patient) as url, probing(url) as probe:
        await until(lambda: probe.status("one").healthy is False)


async def test_a_backend_that_hangs_is_sick() -> None:
    patient = Patient()
    patient.hang = True
    async with serving(patient) as url, probing(url) as probe:
        await until(lambda: probe.status("one").healthy is False)
        assert "no answer in time" in probe.status("one").reason


async def test_a_backend_that_is_not_there_is_sick() -> None:
    async with probing(f"http://127.0.0.1:{unused_port()}") as probe:
        await until(lambda: probe.status("one").healthy is False)
        assert "cannot be asked" in probe.status("one").reason


def test_a_certificate_file_that_is_missing_is_a_mistake_of_the_configuration() -> None:
    from proxy.config.backends import Tls

    with pytest.raises(ConfigError, match=r"backends\.one\.tls\.ca"):
        HealthProbe({"one": Backend(url="https://127.0.0.1:1", tls=Tls(ca="/nowhere.pem"))})
