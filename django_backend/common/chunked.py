"""Makes request bodies readable that come in chunks, which Django takes for empty ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any

from common.errors import answer
from common.failure import TOO_LARGE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LARGEST_CHUNKED_BODY = 64 * 1024 * 1024
KEPT_IN_MEMORY = 1024 * 1024
PIECE = 64 * 1024


class ChunkedBodies:
    """A WSGI application that reads a chunked body to its end and hands it on with its length."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not _is_chunked(environ):
            return self._application(environ, start_response)
        with tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY) as body:
            length = _copied(environ["wsgi.input"], body)
            if length > LARGEST_CHUNKED_BODY:
                return _refused(start_response)
            body.seek(0)
            environ |= {"wsgi.input": body, "CONTENT_LENGTH": str(length)}
            return self._application(environ, start_response)


def _is_chunked(environ: WSGIEnvironment) -> bool:
    return "HTTP_TRANSFER_ENCODING" in environ and not environ.get("CONTENT_LENGTH")


def _copied(source: Any, target: IO[bytes]) -> int:
    length = 0
    while length <= LARGEST_CHUNKED_BODY and (piece := source.read(PIECE)):
        length += target.write(piece)
    return length


def _refused(start_response: StartResponse) -> Iterable[bytes]:
    refusal = answer(TOO_LARGE)
    start_response(f"{refusal.status_code} {refusal.reason_phrase}", list(refusal.items()))
    return [refusal.content]
