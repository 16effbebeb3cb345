"""What the sender of copies finds out about a backend."""

from __future__ import annotations

import pytest
from aiohttp import web

from shadow.dualwrite.copies import CopySender
from shadow.sender import Target
from tests.shadow.backends import backend


@pytest.mark.parametrize(("status", "answers"), [(200, True), (404, True), (302, True), (503, False)])
async def test_a_backend_answers_if_it_has_anything_to_say_but_that_it_cannot(status: int, answers: bool) -> None:
    asked: list[tuple[str, str, str | None]] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        asked.append((request.method, request.path, request.headers.get("X-Cutover-Copy")))
        return web.Response(status=status, body=b"x" * (100 if status == 200 else 1))

    async with backend(handler) as url, CopySender(timeout=2, body_limit=10, connections=1, secret="s") as sender:
        assert await sender.answers(Target("new", url, cooperates=True)) is answers
    assert asked == [("GET", "/", "mirror")], "it changes nothing"


async def test_a_backend_that_is_not_there_answers_nothing() -> None:
    async with CopySender(timeout=1, body_limit=10, connections=1) as sender:
        assert not await sender.answers(Target("new", "http://127.0.0.1:1"))
