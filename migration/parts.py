"""Compressed files of rows: written whole or not at all, and read with their hash checked to the last byte."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from migration.errors import RowsError
from migration.manifest import Part

ROWS_IN_PART = 100_000
SIZE_OF_PART = 32 * 1024 * 1024
BLOCK = 256 * 1024
# Rows of text shrink well at once; more effort costs much time for little space.
LEVEL = 3


def write(directory: Path, name: str, blocks: Iterable[tuple[bytes, int]], part_rows: int) -> Iterator[Part]:
    """Write one table's rows to as many files as they need; each is given as soon as it is on disk."""
    waiting = iter(blocks)
    block = next(waiting, None)
    number = 0
    while block is not None:
        number += 1
        with _Writer(directory, f"{name}.{number:05d}.copy.gz") as writer:
            while block is not None and writer.rows < part_rows and writer.size < SIZE_OF_PART:
                writer.add(*block)
                block = next(waiting, None)
        yield writer.part


class _Writer:
    def __init__(self, directory: Path, name: str) -> None:
        self.name, self.path = name, directory / name
        self.rows = self.size = 0
        self._hash = hashlib.sha256()

    def __enter__(self) -> _Writer:
        # Others on this machine have no business with people's data.
        descriptor = os.open(self._unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._raw = open(descriptor, "wb")
        self._file = gzip.GzipFile("", "wb", LEVEL, self._raw, mtime=0)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._file.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()
        if kind is None:
            self._unfinished.replace(self.path)

    @property
    def _unfinished(self) -> Path:
        return self.path.with_suffix(".unfinished")

    def add(self, block: bytes, rows: int) -> None:
        self._file.write(block)
        self._hash.update(block)
        self.rows += rows
        self.size += len(block)

    @property
    def part(self) -> Part:
        return Part(self.name, self.rows, self.size, self._hash.hexdigest())


def read(directory: Path, part: Part) -> Iterator[bytes]:
    """What is inside; if it is not what the manifest says, the end is an error."""
    found, size = hashlib.sha256(), 0
    try:
        with gzip.open(directory / part.file, "rb") as file:
            while block := file.read(BLOCK):
                found.update(block)
                size += len(block)
                yield block
    except (OSError, EOFError) as error:
        raise RowsError(f"{directory / part.file} is damaged: {error}; make the export again") from error
    if (size, found.hexdigest()) != (part.size, part.sha256):
        raise RowsError(f"{directory / part.file} is not what the manifest says: make the export again")
