"""Every error as JSON, by what the caller should do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import orjson
import structlog
from aiohttp import web

from proxy.errors import Conflict, CutoverError, Refused, StoreUnavailable
from shadow.compare.reports import LedgerUnavailable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_log = structlog.get_logger(__name__)


class Invalid(CutoverError):
    """The request itself is wrong: mend it. `details` names what, for programs."""

    details: Mapping[str, object] = MappingProxyType({})


class Stale(CutoverError):
    """The state is not the one that `If-Match` names."""


class Unauthorized(CutoverError):
    """No valid token came with the request."""


class Forbidden(CutoverError):
    """The token's role may not do this."""


class Missing(CutoverError):
    """There is no such thing."""


# The first class that fits; the name is for programs, the status for HTTP.
ANSWERS: Mapping[type[CutoverError], tuple[int, str]] = {
    Invalid: (400, "invalid"),
    Unauthorized: (401, "unauthorized"),
    Forbidden: (403, "forbidden"),
    Missing: (404, "not_found"),
    Conflict: (409, "conflict"),
    Refused: (409, "refused"),
    Stale: (412, "stale"),
    StoreUnavailable: (503, "unavailable"),
    CutoverError: (500, "failed"),
}
_HTTP = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def answer(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer that nobody keeps."""
    body = orjson.dumps(document, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
    return web.Response(
        body=body,
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


@web.middleware
async def as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into `{error, message, code, details}`."""
    try:
        return await handler(request)
    except CutoverError as error:
        status, name = next(known for kind, known in ANSWERS.items() if isinstance(error, kind))
        details = error.details if isinstance(error, Invalid) else {}
        return _problem(status, name, str(error), dict(details))
    except LedgerUnavailable as error:
        return _problem(503, "unavailable", f"the ledger of mirrored requests does not answer: {error}", {})
    except web.HTTPException as error:
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        name = _HTTP.get(error.status, "http")
        return _problem(error.status, name, f"{request.method} {request.path}: {error.reason}", {}, headers)
    except Exception as error:  # the last seam: the operator gets an answer, the log the whole story
        _log.exception("control.failed", method=request.method, path=request.path)
        return _problem(500, "failed", f"this should not have happened: {type(error).__name__}, see the log", {})


def _problem(
    status: int, name: str, message: str, details: object, headers: Mapping[str, str] | None = None
) -> web.Response:
    more = {"WWW-Authenticate": 'Bearer realm="cutover"'} if status == 401 else {}
    document = {"error": name, "message": message, "code": status, "details": details}
    return answer(document, status, {**more, **(headers or {})})
