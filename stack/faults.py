"""Django with faults on demand: a WSGI wrapper that obeys a small JSON file, for the demo and for fault tests.

The file is named by CUTOVER_FAULTS_FILE; absent or empty means no effect. Health checks are never touched.

    {"errors": 0.6}              this share of the API's answers becomes a 500
    {"delay": 1.5}               every request of the API waits so many seconds first
    {"hang": true}               requests wait until the fault is gone, then get a 503 (nothing was done)
    {"plant": ["lost-field"]}    answers differ from the truth in the ways of stack/planted.py
"""

from __future__ import annotations

import importlib
import json
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from stack import planted

PREFIX = "/api/v1"
LOOK_EVERY = 0.1


class FaultsFile:
    """The wishes in the file, looked at no more than ten times a second."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._looked = 0.0
        self._seen: tuple[int, int] | None = None
        self._wishes: dict[str, Any] = {}

    def wishes(self) -> dict[str, Any]:
        """What is wished for now."""
        now = time.monotonic()
        if self._path is not None and now - self._looked >= LOOK_EVERY:
            self._looked = now
            self._look(self._path)
        return self._wishes

    def _look(self, path: Path) -> None:
        try:
            status = path.stat()
            seen = (status.st_mtime_ns, status.st_size)
            if seen != self._seen:
                self._wishes = json.loads(path.read_text() or "{}")
                self._seen = seen
        except FileNotFoundError:
            self._wishes, self._seen = {}, None
        except ValueError:
            # Caught in the middle of being written: what was wished before holds until the next look.
            return


class Share:
    """Says yes to exactly the given share of the questions, evenly spread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owed = 0.0

    def hits(self, share: float) -> bool:
        """Whether this one is among them."""
        with self._lock:
            self._owed += share
            # Five times 0.6 is a little less than 3 in binary.
            if self._owed < 1 - 1e-9:
                return False
            self._owed -= 1
            return True


def _refuse(start_response: StartResponse, status: str, message: str) -> Iterable[bytes]:
    phrase = status.partition(" ")[2]
    body = json.dumps({"error": phrase, "message": message, "code": phrase.upper().replace(" ", "_"), "details": {}})
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body.encode()]


def with_faults(application: WSGIApplication, file: FaultsFile) -> WSGIApplication:
    """*application*, with the faults that *file* wishes for."""
    share = Share()

    def faulty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        wishes = file.wishes()
        if not wishes or not environ.get("PATH_INFO", "").lower().startswith(PREFIX):
            return application(environ, start_response)
        if wishes.get("hang"):
            while file.wishes().get("hang"):
                time.sleep(LOOK_EVERY)
            return _refuse(start_response, "503 Service Unavailable", "This request hung on purpose")
        time.sleep(float(wishes.get("delay", 0)))
        if share.hits(float(wishes.get("errors", 0))):
            return _refuse(start_response, "500 Internal Server Error", "This error was switched on")
        return planted.change(application, environ, start_response, wishes.get("plant", ()))

    return faulty


def wish(path: Path, **wishes: Any) -> None:
    """Write the file in one step (no wishes: switch everything off)."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(wishes))
    draft.replace(path)


def __getattr__(name: str) -> WSGIApplication:
    # gunicorn asks for "application". Made only then, so that tests can import this module without Django.
    if name != "application":
        raise AttributeError(name)
    path = os.environ.get("CUTOVER_FAULTS_FILE")
    inner: WSGIApplication = importlib.import_module("config.wsgi").application
    return with_faults(inner, FaultsFile(Path(path) if path else None))
