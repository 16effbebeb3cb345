"""Planted differences: mistakes of a real migration, made on purpose in answers that were right."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Document = dict[str, Any]


class Plant(NamedTuple):
    """One mistake: where it shows (the last parts of the path, before any id), what it does, why one would make it."""

    path: str
    edit: Callable[[Document], None]
    story: str


def _cadets(document: Document) -> list[Document]:
    found: list[Document] = document.get("data", [document])
    return found


def _lose_field(document: Document) -> None:
    for cadet in _cadets(document):
        cadet.pop("religion", None)


def _truncate(document: Document) -> None:
    for cadet in _cadets(document):
        if cadet.get("address"):
            cadet["address"] = cadet["address"][:12]


def _shift_date(document: Document) -> None:
    for cadet in _cadets(document):
        if cadet.get("birthdate"):
            cadet["birthdate"] = (date.fromisoformat(cadet["birthdate"]) - timedelta(days=1)).isoformat()


def _miscount(document: Document) -> None:
    if "total" in document:
        document["total"] = int(document["total"]) + 1


def _count_archived(document: Document) -> None:
    if "activeCadets" in document:
        document["activeCadets"] = document["totalCadets"]


def _fill_nulls(document: Document) -> None:
    for key, value in document.items():
        document[key] = "" if value is None else value


PLANTS = {
    "lost-field": Plant("cadets", _lose_field, "a serializer that forgot a column"),
    "truncated-text": Plant("cadets", _truncate, "a VARCHAR where there was a TEXT"),
    "shifted-date": Plant("cadets", _shift_date, "a DATE read as midnight in Manila and printed in UTC"),
    "wrong-total": Plant("cadets", _miscount, "a count that does not filter as the list does"),
    "rounded-stats": Plant("system/stats", _count_archived, "statistics that count the archived as active"),
    "null-as-empty": Plant("system/settings", _fill_nulls, "a column made NOT NULL DEFAULT ''"),
}


def edits_for(path: str, names: Collection[str]) -> list[Callable[[Document], None]]:
    """The mistakes among *names* that show in answers of *path*; an unknown name is an error."""
    parts = [part for part in path.lower().split("/")[3:] if part and not part.isdigit()]
    return [PLANTS[name].edit for name in names if PLANTS[name].path == "/".join(parts)]


def change(
    application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse, names: Collection[str]
) -> Iterable[bytes]:
    """Answer as *application* does, with the mistakes *names* made in its JSON."""
    edits = edits_for(environ.get("PATH_INFO", ""), names) if environ["REQUEST_METHOD"] == "GET" else []
    if not edits:
        return application(environ, start_response)
    head: list[Any] = []

    def keep(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        head[:] = [status, headers]
        return lambda data: None

    answer = application(environ, keep)
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    status, headers = head
    if status.startswith("200"):
        document = json.loads(body)
        for edit in edits:
            edit(document)
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        headers = [pair for pair in headers if pair[0].lower() not in {"content-length", "etag"}]
        headers.append(("Content-Length", str(len(body))))
    start_response(status, headers)
    return [body]
