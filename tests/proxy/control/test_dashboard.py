"""The operator's page is served as it was built, and only it."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from proxy.control.dashboard import add_dashboard
from proxy.control.problems import as_json


async def served(static: Path, path: str) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of a GET."""
    app = web.Application(middlewares=[as_json])
    add_dashboard(app, static)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with (
            ClientSession() as session,
            session.get(f"http://127.0.0.1:{runner.addresses[0][1]}{path}", allow_redirects=False) as answer,
        ):
            return answer.status, await answer.text(), dict(answer.headers)
    finally:
        await runner.cleanup()


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A build, with a secret beside it."""
    (tmp_path / "static" / "assets").mkdir(parents=True)
    (tmp_path / "static" / "index.html").write_text("<title>cutover</title>")
    (tmp_path / "static" / "assets" / "app-1a2b.js").write_text("1")
    (tmp_path / "token").write_text("hunter2")
    return tmp_path / "static"


async def test_the_page_is_served_and_may_load_nothing_from_elsewhere(built: Path) -> None:
    status, text, headers = await served(built, "/")
    assert (status, text) == (200, "<title>cutover</title>")
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-cache"


async def test_an_asset_may_be_kept_for_ever_because_its_name_changes_with_it(built: Path) -> None:
    status, _, headers = await served(built, "/assets/app-1a2b.js")
    assert status == 200
    assert "immutable" in headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["/assets/..%2f..%2ftoken", "/assets/%2e%2e/token", "/token", "/assets/", "/assets/.x"]
)
async def test_nothing_beside_the_build_is_served(built: Path, path: str) -> None:
    status, text, _ = await served(built, path)
    assert status == 404
    assert "hunter2" not in text


async def test_without_a_build_it_says_how_to_make_one(tmp_path: Path) -> None:
    status, text, _ = await served(tmp_path, "/")
    assert status == 404
    assert "npm run build:dashboard" in text
