"""The operator's page: files that the dashboard's build left in `static/`, and nothing else."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from proxy.control.problems import Missing

STATIC = Path(__file__).with_name("static")
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_UNCHANGING = "public, max-age=31536000, immutable"  # names under assets/ carry a hash of their content


def add_dashboard(app: web.Application, static: Path = STATIC) -> None:
    """Serve the page at `/`. It holds no secret and needs no token: the operator enters one, the API asks for it."""

    async def page(request: web.Request) -> web.StreamResponse:
        return _file(static / "index.html", "no-cache")

    async def icon(request: web.Request) -> web.StreamResponse:
        return _file(static / "favicon.svg", "no-cache")

    async def asset(request: web.Request) -> web.StreamResponse:
        return _file(static / "assets" / request.match_info["name"], _UNCHANGING)

    app.router.add_route("GET", "/", page)
    app.router.add_route("GET", "/favicon.svg", icon)
    app.router.add_route("GET", r"/assets/{name:[A-Za-z0-9_-][A-Za-z0-9._-]*}", asset)


def _file(path: Path, caching: str) -> web.StreamResponse:
    if not path.is_file():
        raise Missing("the dashboard is not built: run `npm ci && npm run build:dashboard`; the API is under /api/")
    return web.FileResponse(path, headers=_HEADERS | {"Cache-Control": caching})
