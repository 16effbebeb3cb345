"""A server that speaks Cloudinary's upload API as its documentation has it, signatures included, on this machine."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY, SECRET, NAME = "a-key", "a-secret", "rotc"
# What is not part of what is signed.
UNSIGNED = {"file", "api_key", "signature", "resource_type", "cloud_name"}


@dataclass
class Cloud:
    """What the server was sent, and how it is to behave: well, or as `answer` says."""

    url: str = ""
    kept: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    # A status and a body for every upload; without a status it says nothing at all.
    answer: tuple[int | None, bytes] | None = None
    # How many it is being silent to at this moment.
    silent: int = 0
    may_end: threading.Event = field(default_factory=threading.Event)


def signature_of(fields: dict[str, str]) -> str:
    """How the API has its parameters signed."""
    signed = "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if name not in UNSIGNED)
    return hashlib.sha1((signed + SECRET).encode(), usedforsecurity=False).hexdigest()


@contextmanager
def cloud_running() -> Iterator[Cloud]:
    """The server while the block runs."""
    cloud = Cloud()
    handler = type("Handler", (_Handler,), {"cloud": cloud})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        cloud.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield cloud
        finally:
            cloud.may_end.set()
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    cloud: Cloud

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.cloud.asked.append(self.path)
        if self.cloud.answer is None:
            self._take(*_form(self.headers["Content-Type"], body))
        elif self.cloud.answer[0] is None:
            self.cloud.silent += 1
            self.cloud.may_end.wait(30)
            self.cloud.silent -= 1
        else:
            self._say(*self.cloud.answer)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        found = self.cloud.kept.get(self.path)
        self._say(404 if found is None else 200, found or b"")

    def _take(self, fields: dict[str, str], content: bytes) -> None:
        _, _, cloud_name, kind, action = self.path.split("/")
        if (fields.get("api_key"), cloud_name, action) != (KEY, NAME, "upload"):
            return self._say(401, _error("Unknown API key"))
        if fields.get("signature") != signature_of(fields):
            return self._say(401, _error(f"Invalid Signature {fields.get('signature')}"))
        path = f"/{NAME}/{kind}/upload/v1/{fields['public_id']}"
        self.cloud.kept[path] = content
        # The real one answers https; no test can have a certificate of another host.
        answer = {"public_id": fields["public_id"], "resource_type": kind, "bytes": len(content)}
        return self._say(200, json.dumps({**answer, "secure_url": self.cloud.url + path}).encode())

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing on the terminal."""


def _error(message: str) -> bytes:
    return json.dumps({"error": {"message": message}}).encode()


def _form(kind: str, body: bytes) -> tuple[dict[str, str], bytes]:
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    fields, content = {}, b""
    for part in message.iter_parts():  # type: ignore[attr-defined]
        name = part.get_param("name", header="content-disposition")
        if name == "file":
            content = part.get_payload(decode=True)
        else:
            fields[name] = part.get_payload(decode=True).decode()
    return fields, content
