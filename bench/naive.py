"""The proxy that one writes in an afternoon: an aiohttp application that asks with aiohttp's client."""

from __future__ import annotations

import sys

import aiohttp
from aiohttp import web


async def _session(app: web.Application):  # type: ignore[no-untyped-def]
    app["session"] = aiohttp.ClientSession(auto_decompress=False)
    yield
    await app["session"].close()


def main(port: int, backend: int) -> None:
    """Serve until SIGTERM."""

    async def forward(request: web.Request) -> web.StreamResponse:
        url = f"http://127.0.0.1:{backend}{request.raw_path}"
        body = await request.read()
        async with request.app["session"].request(request.method, url, headers=request.headers, data=body) as answer:
            return web.Response(status=answer.status, headers=answer.headers, body=await answer.read())

    app = web.Application()
    app.cleanup_ctx.append(_session)
    app.router.add_route("*", "/{path:.*}", forward)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
