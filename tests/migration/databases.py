"""Databases for tests: cloned from a template, and used again where a test left the schema as it was."""

from __future__ import annotations

import secrets
import subprocess
from collections import defaultdict
from typing import IO

import psycopg
from psycopg import sql

from migration.mappings import ROTC
from proxy.embedded import EmbeddedPostgres, database_url, spawn
from tests.migration.people import rows, run

_SCHEMA = """
SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
    SELECT concat_ws(' ', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attidentity) line
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid AND relnamespace = 'public'::regnamespace AND attnum > 0
    UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', tgrelid::regclass, tgfoid::regproc, tgenabled) FROM pg_trigger
    UNION ALL SELECT setconfig::text FROM pg_db_role_setting WHERE setdatabase <> 0
) s
"""


class HastyPostgres(EmbeddedPostgres):
    """A server that never waits for the disk: nobody pulls its plug here, and every clone is thousands of files."""

    def _launch(self, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "timezone": "UTC",
            "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": 200,
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return spawn([self.program("postgres"), "-D", self.data, *options], account=self._account,
                     dying=self.dying, log=log, cwd=self.home, stdin=subprocess.DEVNULL)  # fmt: skip


class Databases:
    """Makes and keeps them, on one server."""

    def __init__(self, server: str) -> None:
        self.server = server
        self._schemas: dict[str, str] = {}
        self._free: dict[str, list[str]] = defaultdict(list)

    def recyclable(self, template: str) -> None:
        """Clones of this template are emptied and used again."""
        self._schemas[template] = self._schema(database_url(self.server, template))

    def get(self, template: str) -> str:
        """The URL of a database as the template is."""
        return self._free[template].pop() if self._free[template] else self.new(template)

    def new(self, template: str) -> str:
        """A clone."""
        name = f"rows_{secrets.token_hex(6)}"
        self._run("CREATE DATABASE {} TEMPLATE {}", name, template)
        return database_url(self.server, name)

    def put(self, template: str, url: str) -> None:
        """A test is done with it."""
        if template in self._schemas and self._schema(url) == self._schemas[template]:
            emptied(url)
            self._free[template].append(url)
        else:
            # At once: its files need not be written to the disk any more then.
            self._run("DROP DATABASE {} WITH (FORCE)", url.rpartition("/")[2])

    def _schema(self, url: str) -> str:
        return str(rows(url, _SCHEMA)[0][0])

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]


def emptied(url: str) -> None:
    """No row in it, and no memory of any."""
    statements = ["SET session_replication_role = replica", "DROP SCHEMA IF EXISTS cutover_rows CASCADE"]
    statements += [f"DELETE FROM {table.name}" for table in ROTC.tables]
    statements += [f"ALTER SEQUENCE {table.name}_id_seq RESTART" for table in ROTC.tables if table.serial]
    run(url, *statements)
