"""The WebSockets as docs/websockets.md has them: one suite over both backends, straight and through the edge."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import psycopg
import pytest
from psycopg import sql
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from proxy.embedded import ensure_database
from stack.backends import BackendSettings
from stack.cast import WEEK, mint
from stack.sample.population import ADMIN, CADET, TRAINING_STAFF
from tests.contracts.sockets import Way, serving, way_to
from tests.quirks.front import ask, loads, request
from tests.stack.settings import SECRET
from tests.support.wire import PATIENCE

BO, ANA = TRAINING_STAFF.user_id, CADET.user_id
BAD = "Session expired or invalid token"
MISSING = "No token provided"

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def settings(postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackendSettings]:
    """Both backends on seeded databases of their own."""
    names = [f"frames_{secrets.token_hex(6)}" for _ in range(2)]
    node, django = [ensure_database(postgres_url, name) for name in names]
    with serving(node, django, redis_url, tmp_path_factory.mktemp("frames")) as started:
        yield started
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(params=["node", "django", "edge to node", "edge to django"])
async def way(request: pytest.FixtureRequest, settings: BackendSettings) -> AsyncIterator[Way]:
    """Every way there is."""
    async with way_to(request.param.split()[-1], settings, edge=request.param.startswith("edge")) as one:
        yield one


def room() -> str:
    """A room that nobody was in before."""
    return f"/ws/chat/{secrets.token_hex(4)}/"


# --- opening


@pytest.mark.parametrize("path", ["/ws/notifications/", "/WS/Updates", "/ws/chat/general", "/ws/chat/Staff%20room/"])
async def test_websocket_connection(way: Way, path: str) -> None:
    socket = await way.join(path, ANA)
    await socket.nothing_else()


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", MISSING),
        ("?token=", MISSING),
        ("?other=x", MISSING),
        ("?token=nonsense", BAD),
        (f"?token={mint('another secret, also long enough to sign tokens with', ANA)}", BAD),
        (f"?token={mint(SECRET, ANA, age=WEEK + 5)}", BAD),
    ],
)
async def test_a_missing_or_bad_token_is_closed_with_4001_and_a_reason(way: Way, query: str, reason: str) -> None:
    socket = await way.open(f"/ws/updates/{query}")
    assert await socket.closed() == (4001, reason)


async def test_what_is_said_with_a_bad_token_reaches_nobody_and_is_kept_nowhere(way: Way) -> None:
    path = room()
    listener, stranger = await way.join(path, BO), await way.open(f"{path}?token=nonsense")
    with suppress(ConnectionClosed):
        for frame in ({"type": "message", "data": {"content": "x"}}, {"type": "typing"}, {"type": "ping"}):
            await stranger.say(frame)
    assert await stranger.closed() == (4001, BAD)
    await listener.nothing_else()
    assert loads(await way.ask("GET", f"messaging/rooms/{path.split('/')[3]}/messages"))["data"] == []


@pytest.mark.parametrize(
    "path", ["/ws/", "/ws/other/", "/ws/chat/", "/ws/chat/a/b", "/ws/chat/%zz", "/ws/chat/%ff", "/api/v1/auth/me"]
)
async def test_an_upgrade_on_another_path_is_refused_with_404(way: Way, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        url = f"ws://127.0.0.1:{way.sockets}{path}?token={mint(SECRET, ANA)}"
        await connect(url, proxy=None, open_timeout=PATIENCE)
    assert refused.value.response.status_code == 404


async def test_the_paths_are_nothing_without_an_upgrade(way: Way) -> None:
    for port in {way.http, way.sockets}:
        answer = await ask(port, request("GET", f"/ws/updates/?token={mint(SECRET, ANA)}"))
        assert (answer.status, loads(answer)["message"]) == (404, "Not found")


# --- a chat


async def test_two_sockets_in_a_room_hear_the_row_that_was_stored(way: Way) -> None:
    path = room()
    ana, bo, elsewhere = await way.join(path, ANA), await way.join(path, BO), await way.join(room(), BO)
    await ana.say({"type": "message", "data": {"content": "Opo, sir 🫡", "subject": "Re: schedule"}})
    frame = await ana.heard()
    assert await bo.heard() == frame
    row = dict(frame["data"])
    listed = loads(await way.ask("GET", f"messaging/rooms/{row['room']}/messages", BO))["data"]
    assert (frame["type"], listed) == ("message", [row])
    assert isinstance(row.pop("id"), int) and datetime.fromisoformat(row.pop("created_at")).tzinfo
    assert row == {
        "room": path.split("/")[3], "sender_id": ANA, "recipient_id": None, "subject": "Re: schedule",
        "content": "Opo, sir 🫡", "is_read": False,
    }  # fmt: skip
    await elsewhere.nothing_else()


@pytest.mark.parametrize("name", ["staff%20room", "a%2Fb", "a;b", "%E2%98%85"])
async def test_what_is_posted_over_http_is_heard_in_the_room_of_that_name(way: Way, name: str) -> None:
    socket = await way.join(f"/ws/chat/{name}/", ANA)
    row = await way.post(f"messaging/rooms/{name}/messages", {"content": "x"}, BO)
    assert await socket.heard() == {"type": "message", "data": row}


async def test_a_message_to_somebody_reaches_its_two_people_alone(way: Way) -> None:
    path = room()
    ana, bo, admin = [await way.join(path, user) for user in (ANA, BO, ADMIN.user_id)]
    await ana.say({"type": "message", "data": {"content": "psst", "recipientId": BO}})
    assert await ana.heard() == await bo.heard()
    await admin.nothing_else()


async def test_what_one_says_is_heard_in_its_order_and_a_ping_behind_it_is_answered_behind_it(way: Way) -> None:
    path = room()
    ana, bo = await way.join(path, ANA), await way.join(path, BO)
    for number in range(30):
        await ana.say({"type": "message", "data": {"content": str(number)}})
    await ana.say({"type": "ping", "data": "last"})
    for socket in (ana, bo):
        assert [(await socket.heard())["data"]["content"] for _ in range(30)] == [str(number) for number in range(30)]
    assert await ana.heard() == {"type": "pong", "data": "last"}


async def test_while_many_speak_a_ping_is_answered_behind_what_its_sender_said(way: Way) -> None:
    path = room()
    both = [await way.join(path, user) for user in (ANA, BO)]
    for number in range(20):
        for socket in both:
            await socket.say({"type": "message", "data": {"content": str(number)}})
    for socket, user in zip(both, (ANA, BO), strict=True):
        await socket.say({"type": "ping"})
        own = []
        while (frame := await socket.heard())["type"] != "pong":
            own += [frame["data"]["content"]] if frame["data"]["sender_id"] == user else []
        assert own == [str(number) for number in range(20)]


async def test_typing_is_told_to_the_others_and_kept_nowhere(way: Way) -> None:
    path = room()
    ana, bo = await way.join(path, ANA), await way.join(path, BO)
    await ana.say({"type": "typing", "data": {"whatever": 1}})
    assert await bo.heard() == {"type": "typing", "data": {"userId": ANA}}
    await ana.nothing_else()
    assert loads(await way.ask("GET", f"messaging/rooms/{path.split('/')[3]}/messages"))["data"] == []


# --- frames


@pytest.mark.parametrize("path", ["/ws/notifications/", "/ws/updates/", "/ws/chat/ping/"])
async def test_a_ping_is_answered_with_its_own_data_and_a_control_frame_as_well(way: Way, path: str) -> None:
    socket = await way.join(path, ANA)
    for frame, data in [
        ('{"type": "ping", "data": {"n": 1.50, "é": [null]}}', {"n": 1.5, "é": [None]}),
        ('{"type": "ping"}', {}),
        ('{"type": "ping", "data": null}', None),
        ('{"type": "ping", "data": "\\ud800"}', "\ud800"),
        ('{"type": "ping", "data": ' + "[" * 300 + "]" * 300 + "}", nested(300)),
    ]:
        await socket.say(frame)
        assert await socket.heard() == {"type": "pong", "data": data}
    await (await socket.connection.ping(b"of RFC 6455"))


def nested(depth: int) -> list[Any]:
    """A list in a list in a list."""
    found: list[Any] = []
    for _ in range(depth - 1):
        found = [found]
    return found


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("{", "Invalid JSON"),
        ("", "Invalid JSON"),
        ('{"type": NaN}', "Invalid JSON"),
        ("7", "Invalid message"),
        ("null", "Invalid message"),
        ("{}", "Invalid message"),
        ("[]", "Invalid message"),
        ('{"type": 3}', "Invalid message"),
        ('{"type": "dance"}', "Unknown type: dance"),
        ('{"type": "constructor"}', "Unknown type: constructor"),
        ('{"type": "message"}', "Content is required"),
        ('{"type": "message", "data": "x"}', "Content is required"),
        ('{"type": "message", "data": {"content": ""}}', "Content is required"),
        ('{"type": "message", "data": {"content": 5}}', "Content is required"),
        (b'{"type": "ping"}', "Text frames only"),
        (b"", "Text frames only"),
    ],
)
async def test_what_is_not_understood_is_told_to_its_sender_alone_and_the_socket_stays_open(
    way: Way, frame: str | bytes, message: str
) -> None:
    path = room()
    ana, bo = await way.join(path, ANA), await way.join(path, BO)
    await ana.say(frame)
    assert await ana.heard() == {"type": "error", "data": {"message": message}}
    await ana.nothing_else()
    await bo.nothing_else()


@pytest.mark.parametrize("data", [{"recipientId": 999_999_999}, {"recipientId": "x"}, {"content": "\0"}])
async def test_a_message_that_the_database_refuses_goes_to_nobody(way: Way, data: dict[str, Any]) -> None:
    path = room()
    ana, bo = await way.join(path, ANA), await way.join(path, BO)
    await ana.say({"type": "message", "data": {"content": "x", **data}})
    frame = await ana.heard()
    assert frame["type"] == "error" and frame["data"]["message"]
    if way.backend == "django":
        assert frame["data"]["message"] == "Message could not be saved"
    await bo.nothing_else()


async def test_only_a_chat_takes_messages(way: Way) -> None:
    for path in ("/ws/updates/", "/ws/notifications/"):
        socket = await way.join(path, ANA)
        for kind in ("message", "typing"):
            await socket.say({"type": kind, "data": {"content": "x"}})
            assert (await socket.heard())["data"] == {"message": f"Unknown type: {kind}"}


async def test_a_message_of_64_kib_passes_and_one_byte_more_closes_with_1009(way: Way) -> None:
    socket = await way.join(room(), ANA)
    frame = '{"type":"ping","data":""}'
    data = "x" * (65_536 - len(frame))
    await socket.say(frame.replace('""', f'"{data}"'))
    assert (await socket.heard())["data"] == data
    await socket.say(frame.replace('""', f'"{data}x"'))
    assert (await socket.closed())[0] == 1009


# --- what the server tells by itself


async def test_changes_are_told_to_who_watches(way: Way) -> None:
    socket = await way.join("/ws/updates/", BO)

    async def told(resource: str, action: str, row_id: int | None) -> None:
        data = {"resource": resource, "action": action, "id": row_id}
        assert await socket.heard() == {"type": "update", "data": data}

    activity = (await way.post("activities", {"title": "x"}))["id"]
    await told("activities", "created", activity)
    await way.ask("PUT", f"activities/{activity}", body={"title": "y"})
    await told("activities", "updated", activity)
    await way.ask("DELETE", f"activities/{activity}")
    await told("activities", "deleted", activity)
    day = (await way.post("attendance/days", {"date": "2024-08-05", "title": "x"}))["id"]
    await told("training_days", "created", day)
    mark = await way.post("attendance/mark", {"trainingDayId": day, "cadetId": 5, "status": "late"})
    await told("attendance", "marked", mark["id"])
    await way.post("attendance/mark/bulk", {"trainingDayId": day, "records": [{"cadetId": 5, "status": "present"}]})
    await told("attendance", "marked", None)


async def test_a_notification_reaches_its_user_and_a_broadcast_everybody(way: Way) -> None:
    ana, bo = await way.join("/ws/notifications/", ANA), await way.join("/ws/notifications/", BO)
    grade = {"cadetId": CADET.cadet_id, "categoryId": 1, "score": 90, "term": secrets.token_hex(4)}
    await way.post("grading/grades", grade)
    row = await way.post("messaging/broadcast", {"message": "Assembly", "priority": "high"})
    own = await ana.heard()
    assert own["type"] == "notification"
    assert (own["data"]["message"], own["data"]["priority"]) == ("New grade posted", "high")
    event = str(uuid5(NAMESPACE_URL, f"notifications/{row['id']}"))
    data = {"id": event, "message": "Assembly", "timestamp": row["created_at"], "priority": "high"}
    assert await ana.heard() == await bo.heard() == {"type": "notification", "data": data}
