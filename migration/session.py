"""A connection on which every value has one text form, whatever the server, the role or the database say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from migration.errors import RowsError, Unreachable

CONNECT_WITHIN = 10
# An import must not queue for ever behind somebody's open transaction, and everybody behind the import.
LOCKED_WITHIN = "30s"
# Set by statements and not at connecting: poolers and hosted servers refuse options there.
_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "search_path": "public",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": LOCKED_WITHIN,
    "work_mem": "32MB",
}
_GONE = (psycopg.OperationalError, psycopg.InterfaceError)
_BUSY = (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled, psycopg.errors.DeadlockDetected)


class Session:
    """One connection. Statements are texts of ours (canon quotes what goes in); values go as parameters."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self.connection = connection

    def run(self, statement: str, values: Sequence[Any] | None = None) -> int:
        """Do it; the number of rows it touched."""
        return self.connection.execute(statement.encode(), values).rowcount

    def all(self, statement: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Every row of the answer."""
        return self.connection.execute(statement.encode(), values).fetchall()

    def one(self, statement: str, values: Sequence[Any] | None = None) -> tuple[Any, ...]:
        """The only row of the answer."""
        row = self.connection.execute(statement.encode(), values).fetchone()
        assert row is not None
        return row

    def stream(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """The rows of the answer without holding them all; inside a transaction."""
        with self.connection.cursor(name="rows") as cursor:
            cursor.itersize = 2000
            yield from cursor.execute(statement.encode())

    def copy(self, statement: str) -> Any:
        """A COPY, as psycopg has it."""
        return self.connection.cursor().copy(statement.encode())


def shown(url: str) -> str:
    """A database's address without its password."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return "a database"
    host, port = parts.get("host", "localhost"), parts.get("port", 5432)
    return f"{host}:{port}/{parts.get('dbname', '')}"


@contextmanager
def connect(url: str, *, autocommit: bool = False) -> Iterator[Session]:
    """A session; what fails inside for lack of a server is Unreachable, and what was not committed is rolled back."""
    _refuse_pooler(url)
    with reaching(url), closing(_connection(url)) as connection:
        session = Session(connection)
        session.run(f"SELECT {', '.join('set_config(%s, %s, false)' for _ in _SETTINGS)}", [*chain(*_SETTINGS.items())])
        connection.autocommit = autocommit
        yield session


def _connection(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(
        url, connect_timeout=CONNECT_WITHIN, autocommit=True, application_name="cutover rows", client_encoding="utf8",
        keepalives_idle=30,
    )  # fmt: skip


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Turn the loss of a server into words."""
    try:
        yield
    except _BUSY as error:
        raise RowsError(f"{shown(url)} is busy: {line(error)}; end the other transaction, then begin again") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise RowsError(f"{shown(url)}: {line(error)}; use the role that owns the tables") from error
    except _GONE as error:
        raise Unreachable(f"{shown(url)}: {line(error)}; begin again, what was finished is kept") from error


def _refuse_pooler(url: str) -> None:
    host = (urlsplit(url).hostname or "") if "://" in url else ""
    if "-pooler." in host:
        raise RowsError(f"{host} is a pooled endpoint, where a snapshot cannot be shared: use the direct one")


def line(error: psycopg.Error) -> str:
    """A database's complaint on one line."""
    return " ".join(str(error).split()) or type(error).__name__
