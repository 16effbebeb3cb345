"""The WebSockets through the edge: the handshake byte for byte, the frames as docs/websockets.md has them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from uuid import NAMESPACE_URL, uuid5

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from stack.cast import WEEK, mint
from stack.sample.population import ADMIN, CADET, TRAINING_STAFF
from tests.quirks.front import Front, assert_same, loads, request
from tests.quirks.sockets import Socket, opened, shake_hands
from tests.stack.settings import SECRET
from tests.support.wire import PATIENCE

BO, ANA = TRAINING_STAFF.user_id, CADET.user_id
BAD = "Session expired or invalid token"


Join = Callable[..., Awaitable[Socket]]


@pytest.fixture
async def join(front: Front) -> AsyncIterator[Join]:
    """Opens a socket through the edge (or at another port) and takes its greeting."""
    async with AsyncExitStack() as stack:

        async def joined(path: str, user: int, port: int = front.edge) -> Socket:
            socket = await opened(stack, f"ws://127.0.0.1:{port}{path}?token={mint(SECRET, user)}")
            assert await socket.text() == f'{{"type":"connected","data":{{"userId":{user}}}}}'
            return socket

        yield joined


# --- opening


@pytest.mark.parametrize("path", ["/ws/notifications/", "/WS/Updates", "/ws/chat/general/", "/ws/chat/Staff%20room"])
async def test_a_handshake_is_answered_byte_for_byte_as_node_does(front: Front, path: str) -> None:
    target = f"{path}?token={mint(SECRET, ANA)}"
    (direct, first), (through, other) = await shake_hands(front.node, target), await shake_hands(front.edge, target)
    assert through.start == direct.start == b"HTTP/1.1 101 Switching Protocols"
    assert through.fields == direct.fields
    # A text frame of fewer than 126 bytes, unmasked.
    assert first == other == b"\x81" + bytes([len('{"type":"connected","data":{"userId":14}}')])


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "No token provided"),
        ("?token=", "No token provided"),
        ("?token=nonsense", BAD),
        (f"?token={mint('another secret, also long enough to sign tokens with', ANA)}", BAD),
        (f"?token={mint(SECRET, ANA, age=WEEK + 5)}", BAD),
    ],
)
async def test_a_missing_or_bad_token_is_closed_with_4001_and_a_reason(front: Front, query: str, reason: str) -> None:
    for port in (front.node, front.edge):
        async with AsyncExitStack() as stack:
            socket = await opened(stack, f"ws://127.0.0.1:{port}/ws/updates/{query}")
            assert await socket.closed() == (4001, reason)


@pytest.mark.parametrize("path", ["/ws/", "/ws/other/", "/ws/chat/", "/ws/chat/a/b", "/ws/chat/%zz", "/api/v1/auth/me"])
async def test_an_upgrade_on_another_path_is_refused_with_404(front: Front, path: str) -> None:
    target = f"{path}?token={mint(SECRET, ANA)}"
    for port in (front.node, front.edge):
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://127.0.0.1:{port}{target}", proxy=None, open_timeout=PATIENCE)
        assert refused.value.response.status_code == 404
    (direct, _), (through, _) = await shake_hands(front.node, target), await shake_hands(front.edge, target)
    assert_same(direct, through)


async def test_the_paths_are_nothing_without_an_upgrade(front: Front) -> None:
    answer = await front.both(request("GET", f"/ws/updates/?token={mint(SECRET, ANA)}"))
    assert (answer.status, loads(answer)) == (404, {"message": "Not found"})


# --- a chat


async def test_two_sockets_in_a_room_hear_the_row_that_was_stored(front: Front, join: Join) -> None:
    ana, bo, elsewhere = [
        await join(path, user)
        for path, user in (("/ws/chat/alpha/", ANA), ("/ws/chat/alpha/", BO), ("/ws/chat/b/", BO))
    ]
    await ana.say({"type": "message", "data": {"content": "Opo, sir 🫡", "subject": "Re: schedule"}})
    text = await ana.text()
    assert await bo.text() == text
    row = json.loads(text)["data"]
    assert [row["room"], row["sender_id"], row["recipient_id"], row["content"], row["is_read"]] == [
        "alpha", ANA, None, "Opo, sir 🫡", False,
    ]  # fmt: skip
    assert (await front.get("messaging/rooms/alpha/messages", BO))["data"][0] == row
    await elsewhere.nothing_else()


async def test_who_is_connected_directly_and_who_comes_through_the_edge_hear_the_same_text(
    front: Front, join: Join
) -> None:
    behind, beside = await join("/ws/chat/both/", ANA), await join("/ws/chat/both/", BO, front.node)
    for speaker in (behind, beside):
        await speaker.say({"type": "message", "data": {"content": "Assembly at 0700H."}})
        assert await behind.text() == await beside.text()


async def test_what_is_posted_over_http_is_heard_in_the_room(front: Front, join: Join) -> None:
    socket = await join("/ws/chat/staff%20room/", ANA)
    row = await front.post("messaging/rooms/staff%20room/messages", {"content": "x"}, BO)
    assert await socket.heard() == {"type": "message", "data": row}


async def test_a_message_to_somebody_reaches_its_two_people_alone(join: Join) -> None:
    ana, bo, admin = [await join("/ws/chat/direct/", user) for user in (ANA, BO, ADMIN.user_id)]
    await ana.say({"type": "message", "data": {"content": "psst", "recipientId": BO}})
    assert await ana.text() == await bo.text()
    await admin.nothing_else()


async def test_many_messages_arrive_in_the_order_in_which_they_were_said(join: Join) -> None:
    ana, bo = await join("/ws/chat/fast/", ANA), await join("/ws/chat/fast/", BO)
    for number in range(30):
        await ana.say({"type": "message", "data": {"content": str(number)}})
    assert [(await bo.heard())["data"]["content"] for _ in range(30)] == [str(number) for number in range(30)]


async def test_typing_is_told_to_the_others_and_kept_nowhere(front: Front, join: Join) -> None:
    ana, bo = await join("/ws/chat/typing/", ANA), await join("/ws/chat/typing/", BO)
    await ana.say({"type": "typing"})
    assert await bo.heard() == {"type": "typing", "data": {"userId": ANA}}
    await ana.nothing_else()
    assert front.value("SELECT count(*) FROM messages WHERE room = 'typing'") == 0


# --- frames


@pytest.mark.parametrize("path", ["/ws/notifications/", "/ws/updates/", "/ws/chat/ping/"])
async def test_a_ping_is_answered_with_its_own_data_and_a_control_frame_as_well(join: Join, path: str) -> None:
    socket = await join(path, ANA)
    await socket.say({"type": "ping", "data": {"n": 1.50}})
    await socket.say({"type": "ping"})
    assert await socket.text() == '{"type":"pong","data":{"n":1.5}}'
    assert await socket.text() == '{"type":"pong","data":{}}'
    await (await socket.connection.ping(b"of RFC 6455"))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("{", "Invalid JSON"),
        ("7", "Invalid message"),
        ('{"type": 3}', "Invalid message"),
        ('{"type": "dance"}', "Unknown type: dance"),
        ('{"type": "message"}', "Content is required"),
        ('{"type": "message", "data": {"content": 5}}', "Content is required"),
        (b'{"type": "ping"}', "Text frames only"),
        ('{"type": "message", "data": {"content": "x", "recipientId": 999999999}}',
         'insert or update on table "messages" violates foreign key constraint "messages_recipient_id_fkey"'),
    ],
)  # fmt: skip
async def test_what_is_not_understood_is_told_to_its_sender_alone_and_the_socket_stays_open(
    join: Join, frame: str | bytes, message: str
) -> None:
    ana, bo = await join("/ws/chat/errors/", ANA), await join("/ws/chat/errors/", BO)
    await ana.say(frame)
    assert await ana.heard() == {"type": "error", "data": {"message": message}}
    await ana.nothing_else()
    await bo.nothing_else()


async def test_a_message_of_64_kib_passes_and_one_byte_more_closes_with_1009(join: Join) -> None:
    socket = await join("/ws/chat/long/", ANA)
    frame = '{"type":"ping","data":""}'
    data = "x" * (65_536 - len(frame))
    await socket.say(frame.replace('""', f'"{data}"'))
    assert (await socket.heard())["data"] == data
    await socket.say(frame.replace('""', f'"{data}x"'))
    assert (await socket.closed())[0] == 1009


# --- what the server tells by itself


async def test_a_write_through_the_edge_is_told_before_its_answer_arrives(front: Front, join: Join) -> None:
    socket = await join("/ws/updates/", BO)
    day = (await front.post("attendance/days", {"date": "x", "title": "x"}))["id"]
    records = {"trainingDayId": day, "records": [{"cadetId": 5, "status": "late"}]}
    await front.post("attendance/mark/bulk", records)
    for method, target in (("PUT", "activities/999999999"), ("DELETE", "activities/999999999")):
        assert (await front.through(request(method, target, ADMIN.user_id, {"title": "x"}))).status == 200
    for data in (
        {"resource": "training_days", "action": "created", "id": day},
        {"resource": "attendance", "action": "marked", "id": None},
        {"resource": "activities", "action": "deleted", "id": 999999999},  # a PUT of a missing row tells nothing
    ):
        assert await socket.heard() == {"type": "update", "data": data}


async def test_a_notification_reaches_its_user_and_a_broadcast_everybody(front: Front, join: Join) -> None:
    ana, bo = await join("/ws/notifications/", ANA), await join("/ws/notifications/", BO)
    await front.post("grading/grades", {"cadetId": CADET.cadet_id, "categoryId": 1, "score": 90, "term": "quirk"})
    own = front.rows("SELECT id FROM notifications WHERE user_id = %s ORDER BY id DESC LIMIT 1", ANA)[0][0]
    row = await front.post("messaging/broadcast", {"message": "Assembly", "priority": "high"})
    heard = [(await ana.heard())["data"], (await ana.heard())["data"]]
    assert [frame["message"] for frame in heard] == ["New grade posted", "Assembly"]
    assert [frame["id"] for frame in heard] == [
        str(uuid5(NAMESPACE_URL, f"notifications/{n}")) for n in (own, row["id"])
    ]
    frame = {"id": heard[1]["id"], "message": "Assembly", "timestamp": row["created_at"], "priority": "high"}
    assert await bo.heard() == {"type": "notification", "data": frame}
