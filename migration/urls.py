"""Asks for the files that rows name, and compares the answer with what the row says about the file."""

from __future__ import annotations

import base64
import binascii
import http.client
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

from migration import statements
from migration.canon import own
from migration.differences import shown
from migration.digests import End
from migration.findings import Finding, key_text
from migration.mapping import Column, RowMapping, Table

SAMPLE = 50
AT_ONCE = 8
ANSWERED_WITHIN = 10.0


class Urls(Enum):
    """How many of them are asked for."""

    NONE = "none"
    SAMPLE = "sample"
    ALL = "all"


@dataclass(frozen=True)
class Asking:
    """How to ask: where paths without a host are, and how many requests a second are polite."""

    which: Urls
    base: str = ""
    per_second: float = 20.0


@dataclass(frozen=True)
class Named:
    """One file as a row names it."""

    table: str
    key: str
    column: Column
    url: str
    size: int | None
    type: str | None

    def finding(self, kind: str, says: str, *, note: bool = False) -> Finding:
        """Something about this file."""
        url = shown(self.url, self.column)
        return Finding(self.table, kind, says, self.key, self.column.name, target=url, note=note)


def check_urls(end: End, mapping: RowMapping, asking: Asking) -> Iterator[Finding]:
    """Every file that does not answer 200 as its row says; paths that nobody said where to ask for, as a note."""
    if asking.which is Urls.NONE:
        return
    pace = _Pace(asking.per_second)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="urls") as pool:
        for table in mapping.tables:
            for column in table.columns:
                if column.url:
                    yield from _column(end, table, column, asking, pool, pace)


def _column(
    end: End, table: Table, column: Column, asking: Asking, pool: ThreadPoolExecutor, pace: _Pace
) -> Iterator[Finding]:
    unknown = 0
    files = _named(end, table, column, asking.which)
    # In pieces: a table of millions of files must not become a queue of millions.
    while piece := list(islice(files, 200)):
        reachable = [file for file in piece if not file.url.startswith("/") or asking.base]
        unknown += len(piece) - len(reachable)
        for findings in pool.map(lambda file: list(_check(file, asking.base, pace)), reachable):
            yield from findings
    if unknown:
        says = f"{unknown} paths without a host were not asked for: say where they are"
        yield Finding(table.name, "url", says, column=column.name, note=True)


def _named(end: End, table: Table, column: Column, which: Urls) -> Iterator[Named]:
    value = own(column, end.side)
    size = f"{own(table.column(column.url_size), end.side)}::bigint" if column.url_size else "NULL"
    type_ = own(table.column(column.url_type), end.side) if column.url_type else "NULL"
    key = statements.key_array(table, end.side)
    query = f"SELECT {key}, {value}, {size}, {type_} FROM {statements.rows_of(table)} WHERE {value} <> ''"
    if which is Urls.SAMPLE:
        # The same sample every time, and no pattern in it.
        query += f" ORDER BY md5({key}::text) LIMIT {SAMPLE}"
    for values, url, bytes_, said in end.session.stream(query):
        yield Named(table.name, key_text(table.key, values), column, url, bytes_, said)


def _check(file: Named, base: str, pace: _Pace) -> Iterator[Finding]:
    if file.url.startswith("data:"):
        yield from _data(file)
        return
    url = urljoin(base, file.url) if file.url.startswith("/") else file.url
    pace.wait()
    try:
        status, length, type_ = _head(url)
    except (OSError, http.client.HTTPException, ValueError) as error:
        yield file.finding("url", f"cannot be asked for: {error or type(error).__name__}")
        return
    if status != 200:
        yield file.finding("url", f"answers {status}")
        return
    yield from _as_said(file, length, type_)


def _as_said(file: Named, length: int | None, type_: str) -> Iterator[Finding]:
    if file.size is not None and length is not None and length != file.size:
        yield file.finding("url_size", f"has {length} bytes, and its row says {file.size}")
    if file.type and type_ and type_ != file.type.partition(";")[0].strip().lower():
        yield file.finding("url_type", f"is {type_}, and its row says {file.type}")


def _head(url: str) -> tuple[int, int | None, str]:
    """Status, length and type. Redirects are not followed: a row should name the file itself."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it is no URL of a file")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=ANSWERED_WITHIN)
    try:
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")
        connection.request("HEAD", target)
        answer = connection.getresponse()
        length = answer.getheader("Content-Length", "")
        type_ = answer.getheader("Content-Type", "").partition(";")[0].strip().lower()
        return answer.status, int(length) if length.isdigit() else None, type_
    finally:
        connection.close()


def _data(file: Named) -> Iterator[Finding]:
    """The file itself, written into the row."""
    head, comma, body = file.url.removeprefix("data:").partition(",")
    type_, *options = head.split(";")
    try:
        content = base64.b64decode(body, validate=True) if "base64" in options else unquote_to_bytes(body)
    except binascii.Error as error:
        yield file.finding("url", f"is no data: {error}")
        return
    if not comma:
        yield file.finding("url", "is no data: there is no comma")
        return
    yield from _as_said(file, len(content), type_.lower())


class _Pace:
    """Spreads requests evenly, whoever makes them."""

    def __init__(self, per_second: float) -> None:
        self._step, self._next, self._lock = 1 / per_second, 0.0, threading.Lock()

    def wait(self) -> None:
        """Until it is this one's turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._step
        time.sleep(turn - now)
