"""The servers of the WebSockets as they run: two beside a web server, with Redis between them, and without it."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from websockets.exceptions import ConnectionClosed

from proxy.embedded import ensure_database
from stack.cast import mint
from stack.sample.population import ADMIN, CADET, TRAINING_STAFF
from tests.contracts.sockets import Way
from tests.django_backend.channels import Services, running
from tests.quirks.front import ask, loads, request
from tests.quirks.sockets import Socket
from tests.stack.settings import SECRET

BO, ANA = TRAINING_STAFF.user_id, CADET.user_id
READS = ("system/stats", "grading/leaderboard", "cadets", "auth/me", "messaging/notifications", "activities")

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def services(postgres_url: str, server_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The servers, with a database and a Redis of their own."""
    name = f"channels_{secrets.token_hex(6)}"
    with running(
        ensure_database(postgres_url, name), tmp_path_factory.mktemp("channels"), server_directory / name
    ) as on:
        yield on
        assert not [name for name, log in on.logs().items() if "Exception inside application" in log]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def room() -> str:
    """A room that nobody was in before."""
    return f"/ws/chat/{secrets.token_hex(4)}/"


async def said(speaker: Socket, content: str, *listeners: Socket) -> None:
    """Say something that all of them hear."""
    await speaker.say({"type": "message", "data": {"content": content}})
    for one in (speaker, *listeners):
        assert (await one.heard())["data"]["content"] == content


async def until_heard(speaker: Socket, user: int, listener: Socket) -> None:
    """Be seen typing until it gets through."""
    async with asyncio.timeout(30):
        while True:
            await speaker.say({"type": "typing"})
            with suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    while await listener.heard() != {"type": "typing", "data": {"userId": user}}:
                        continue
                    return


async def health(port: int) -> tuple[int, str, str]:
    """The status, and what it says of all and of Redis."""
    answer = await ask(port, b"GET /api/health HTTP/1.1\r\nHost: probe.internal\r\n\r\n")
    body = loads(answer)
    return answer.status, body["status"], body["services"]["redis"]


async def until_told(port: int) -> tuple[int, str, str]:
    """What health says once it has noticed; what it found before may stand in for a while."""
    async with asyncio.timeout(30):
        while (told := await health(port))[2] == "connected":
            await asyncio.sleep(0.1)
    return told


async def until_well(port: int) -> None:
    """Wait until Redis is seen again."""
    async with asyncio.timeout(30):
        while (await health(port))[2] != "connected":
            await asyncio.sleep(0.05)


async def test_a_chat_goes_on_between_two_sockets_of_two_processes(services: Services) -> None:
    async with services.ways() as (one, two):
        path = room()
        ana, bo, admin = await one.join(path, ANA), await two.join(path, BO), await two.join(path, ADMIN.user_id)
        await ana.say({"type": "message", "data": {"content": "Ready?"}})
        assert len({await socket.text() for socket in (ana, bo, admin)}) == 1
        await bo.say({"type": "message", "data": {"content": "psst", "recipientId": ANA}})
        assert await ana.text() == await bo.text()
        await bo.say({"type": "typing"})
        # The admin shares a process with who is typing, Ana does not; what was for her alone came before.
        assert await admin.heard() == await ana.heard() == {"type": "typing", "data": {"userId": BO}}
        await bo.nothing_else()


async def test_what_happens_in_a_web_worker_is_heard_once_in_every_process(services: Services) -> None:
    async with services.ways() as (one, two):
        sockets = [await way.join("/ws/updates/", user) for way in (one, two) for user in (ANA, BO)]
        for title in ("first", "second"):
            row = await one.post("activities", {"title": title})
            data = {"resource": "activities", "action": "created", "id": row["id"]}
            for socket in sockets:
                assert await socket.heard() == {"type": "update", "data": data}


async def test_a_server_that_is_stopped_says_goodbye_with_1001(services: Services) -> None:
    async with services.ways() as (one, _):
        with services.another() as port:
            leaving = await Way("django", one.http, port, one.clients).join("/ws/updates/", ANA)
            staying = await one.join("/ws/updates/", ANA)
            stopping = asyncio.create_task(asyncio.to_thread(services.supervisor.stop, "channels-3"))
            assert await leaving.closed() == (1001, "")
            await stopping
        await staying.nothing_else()


async def test_a_token_stands_in_no_log(services: Services) -> None:
    token = mint(SECRET, ANA)
    async with services.ways() as (one, _):
        quiet = await one.open(f"/ws/chat/quiet/?token={token}")
        assert await quiet.heard() == {"type": "connected", "data": {"userId": ANA}}
    for port in services.ports:
        await ask(port, request("GET", f"/ws/updates/?a=1&token={token}&b=2"))
    logs = services.logs()
    assert "/ws/chat/quiet/" in logs["channels"]
    assert "/ws/updates/?a=1&token=[redacted]&b=2" in logs["channels"]
    assert all(token.split(".")[2] not in log for log in logs.values())


async def test_somebody_who_was_deactivated_is_not_let_in_with_the_token_of_before(services: Services) -> None:
    async with services.ways() as (one, _):
        with deactivated(services, BO):
            path = room()
            refused = await one.open(f"{path}?token={mint(SECRET, BO)}")
            # It comes while the database is still being asked, or it is refused already.
            with suppress(ConnectionClosed):
                await refused.say({"type": "message", "data": {"content": "x"}})
            assert await refused.closed() == (4001, "Session expired or invalid token")
            await refused.connection.wait_closed()
            kept = await one.ask("GET", f"messaging/rooms/{path.split('/')[3]}/messages")
            assert loads(kept)["data"] == []
        await one.join("/ws/updates/", BO)


@contextmanager
def deactivated(services: Services, user: int) -> Iterator[None]:
    """Nobody lets this user in while the block runs."""
    switch = "UPDATE users SET is_active = %s WHERE id = %s"
    with psycopg.connect(services.settings.django_database, autocommit=True) as connection:
        connection.execute(switch, [False, user])
        try:
            yield
        finally:
            connection.execute(switch, [True, user])


async def test_where_nothing_answers_health_is_told_to_any_host_and_a_socket_is_asked_to_come_later(
    services: Services,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silence:
        port = silence.getsockname()[1]
        nothing = {"django_database": f"postgresql://a@127.0.0.1:{port}/b", "redis_url": f"redis://127.0.0.1:{port}"}
        async with services.ways() as (one, _):
            with services.another(**nothing) as alone:
                for _ in range(3):
                    assert await health(alone) == (503, "unhealthy", "disconnected")
                asking = await Way("django", one.http, alone, one.clients).open(
                    f"/ws/updates/?token={mint(SECRET, ANA)}"
                )
                assert await asking.closed() == (1013, "The database cannot be reached")


@pytest.mark.parametrize("how", ["ended", "hangs"])
async def test_redis_may_go_and_come_back_with_no_failed_request_and_no_restart(services: Services, how: str) -> None:
    async with services.ways() as (one, two):
        path = room()
        ana, bo, far = await one.join(path, ANA), await one.join(path, BO), await two.join(path, ADMIN.user_id)
        await said(ana, "before", bo, far)
        counts = services.logs()
        with services.without_redis(how):
            for _ in range(3):
                for target in READS:
                    assert (await one.ask("GET", target)).status == 200, target
            await one.post("activities", {"title": "x"})
            await said(bo, "meanwhile", ana)
            listed = loads(await one.ask("GET", f"messaging/rooms/{path.split('/')[3]}/messages"))["data"]
            assert [row["content"] for row in listed] == ["meanwhile", "before"]
            late = await one.join(path, BO)
            await said(late, "from who came meanwhile", ana, bo)
            with services.another() as port:
                alone = await Way("django", one.http, port, one.clients).join(path, ANA)
                await said(alone, "to nobody")
                await alone.connection.close()
            for port in services.ports:
                assert await until_told(port) == (200, "degraded", "disconnected")
        for port in services.ports:
            await until_well(port)
        await until_heard(ana, ANA, far)
        await until_heard(far, ADMIN.user_id, bo)
        await one.post("activities", {"title": "y"})
        logs = services.logs()
        for name in ("django", "channels"):
            for event in ("redis is gone", "redis is back"):
                assert logs[name].count(event) == counts[name].count(event) + 1, (name, event, logs[name][-2000:])
