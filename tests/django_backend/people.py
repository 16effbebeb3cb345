"""The cast of the stories, how they ask, and how a refusal is read."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Protocol

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from apps.authentication.models import User
from apps.cadets.models import Cadet
from apps.grading.models import Grade, GradeCategory
from common.roles import Role
from shadow.signature import sign

# Made by bcryptjs 2.4.3, each a password and its hash; `2b` and `2y` are the hash `cost4` under other prefixes.
NODE_HASHES: dict[str, tuple[str, str]] = json.loads((Path(__file__).parent / "node_hashes.json").read_text())
PASSWORD, NODE_HASH = NODE_HASHES["cost4"]


# The beginning of a picture is enough of one.
PICTURE = b"\x89PNG\r\n\x1a\n and so on"
PAPER = b"%PDF-1.4 and so on"


class Frames(Protocol):
    """What was published since the last call."""

    def __call__(self) -> list[tuple[str, Any]]: ...


CUTOVER_SECRET = "a secret that cutover and the backend share"


class Copy(Protocol):
    """Sends a copy of a request, signed under `key`; `pin` is what its original made up."""

    def __call__(
        self,
        kind: str,
        method: str,
        path: str,
        *,
        body: Any = None,
        key: str | None = "k",
        pin: Any = None,
        **rest: Any,
    ) -> HttpResponse: ...


class Ask(Protocol):
    """Sends a request under the prefix, on behalf of `by`, with `body` as JSON (or, if it is bytes, as it is)."""

    def __call__(
        self, method: str, path: str, *, by: User | None = None, body: Any = None, **rest: Any
    ) -> HttpResponse: ...


def person(username: str, role: Role, **columns: Any) -> User:
    """A user who may log in, unless `columns` say otherwise."""
    values = {"password": f"bcrypt${NODE_HASH}", "is_approved": 1, **columns}
    return User.objects.create(username=username, role=role, **values)


def cadet(student_id: str, **columns: Any) -> Cadet:
    """A cadet whose other columns do not matter, unless `columns` say otherwise."""
    return Cadet.objects.create(**{"first_name": "Ana", "last_name": "Cruz", "student_id": student_id, **columns})


def copy_headers(
    kind: str, method: str, target: str, body: bytes, id: str, at: int | None = None, pin: str = ""
) -> dict[str, str]:
    """What cutover writes on a copy, by its own code."""
    signature = sign(
        CUTOVER_SECRET.encode(),
        purpose=kind,
        pin=pin.encode(),
        method=method.upper(),
        target=target.encode(),
        body=body,
        id=id,
        at=int(time.time()) if at is None else at,
    )
    told = {"X-Cutover-Pin": pin} if pin else {}
    return {"X-Cutover-Copy": kind, "X-Cutover-Signature": signature, **told}


def form(fields: dict[str, Any]) -> dict[str, Any]:
    """A form for a method whose bodies the test client does not write itself."""
    return {"data": encode_multipart(BOUNDARY, fields), "content_type": MULTIPART_CONTENT}


def picture(name: str = "one.png", content: bytes = PICTURE) -> SimpleUploadedFile:
    """A picture to be uploaded."""
    return SimpleUploadedFile(name, content, "image/png")


def grade(whose: Cadet, score: str, **columns: Any) -> Grade:
    """A score in the subject that counts, unless `columns` say otherwise."""
    category, _ = GradeCategory.objects.get_or_create(name="Subject proficiency", defaults={"weight": 40})
    return Grade.objects.create(**{"cadet": whose, "category": category, "score": score, **columns})


def told(answer: HttpResponse) -> Any:
    """The value in the body of an answer."""
    return json.loads(answer.content)


def refusal(answer: HttpResponse) -> tuple[int, str]:
    """The status and the message of an answer that must be in the envelope."""
    body = told(answer)
    assert set(body) == {"error", "message", "code", "details"}
    assert body["error"] == answer.reason_phrase
    assert body["code"] == body["code"].upper()
    assert isinstance(body["details"], dict | list)
    return answer.status_code, body["message"]
