"""``python -m stack up | down | clean``: everything on one machine, until Ctrl-C."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

import click

from proxy.embedded import EmbeddedError, fallback_for, free_port
from stack.backends import DJANGO, NODE, BackendError, Backends, BackendSettings
from stack.background import start_background
from stack.edge import EdgeSettings, edge_program
from stack.node import NodeMissing
from stack.paths import ROOT, VAR
from stack.processes import ProcessError, Supervisor
from stack.sample.population import KNOWN_LOGINS
from stack.say import say
from stack.servers import Servers

HOME = VAR / "stack"
PID_FILE = HOME / "pid"
SERVER_NAMES = ("postgres", "redis")
SECRETS = ("JWT_SECRET", "SECRET_KEY", "CUTOVER_TOKEN", "CUTOVER_SECRET")
STOPPED_WITHIN = 60.0


class Ports(NamedTuple):
    """Where everything listens."""

    node: int
    django: int
    channels: int
    edge: int
    control: int


def free_ports() -> Ports:
    """The usual ports where they are free, others where they are not."""
    return Ports(free_port(3001), free_port(8000), free_port(8001), free_port(8080), free_port(8081))


def stack_secrets(home: Path = HOME) -> dict[str, str]:
    """The secrets of this machine's stack: made once, readable by us only."""
    path = home / "secrets.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = {name: secrets.token_urlsafe(48) for name in SECRETS if name not in known}
    if missing:
        home.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(known | missing, file)
        draft.replace(path)
    return known | missing


def backend_settings(servers: Servers, ports: Ports, home: Path = HOME) -> BackendSettings:
    """The settings of both backends on these servers and ports."""
    known = stack_secrets(home)
    return BackendSettings(
        node_port=ports.node, django_port=ports.django, node_database=servers.databases["rotc_node"],
        django_database=servers.databases["rotc_django"], redis_url=servers.redis_url, jwt_secret=known["JWT_SECRET"],
        secret_key=known["SECRET_KEY"], faults_file=home / "faults.json",
        django_ws_port=ports.channels, copy_secret=known["CUTOVER_SECRET"],
    )  # fmt: skip


def edge_settings(servers: Servers, ports: Ports) -> EdgeSettings:
    """Cutover in front of the flagship, with the flagship's configuration."""
    return EdgeSettings(
        config=ROOT / "config" / "rotc.yaml", port=ports.edge, control_port=ports.control,
        database=servers.databases["cutover"], redis=servers.redis_url, token=stack_secrets()["CUTOVER_TOKEN"],
    )  # fmt: skip


def running() -> int | None:
    """The process id of a stack that is up: it holds its pid file locked, so an old file can name no stranger."""
    with suppress(FileNotFoundError), PID_FILE.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(file.read())
    return None


@contextmanager
def _the_only_one() -> Iterator[None]:
    """Hold the pid file while the block runs."""
    HOME.mkdir(parents=True, exist_ok=True)
    with PID_FILE.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.ClickException(f"the stack is up already (pid {running()}): python -m stack down") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            PID_FILE.unlink(missing_ok=True)


def _interrupt(_signum: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _print_addresses(ports: Ports) -> None:
    known = stack_secrets()
    say("edge", f"http://127.0.0.1:{ports.edge}/api/v1/")
    say("control", f"http://127.0.0.1:{ports.control}/  (token {known['CUTOVER_TOKEN']})")
    say("node", f"http://127.0.0.1:{ports.node}/health")
    say("django", f"http://127.0.0.1:{ports.django}/api/health")
    say("channels", f"ws://127.0.0.1:{ports.channels}/ws/")
    for login in KNOWN_LOGINS:
        say("login", f"{login.role}: {login.username} / {login.password}")


def _until_interrupted(supervisor: Supervisor) -> None:
    while not (ended := supervisor.ended()):
        time.sleep(0.5)
    raise ProcessError(f"{ended[0].program.name} ended by itself with status {ended[0].status}, see {ended[0].log}")


def _up(edge: bool, scale: int, warts: bool) -> None:
    ports = free_ports()
    with Servers(VAR / "servers") as servers, Supervisor(HOME / "logs") as supervisor:
        servers.start()
        settings = backend_settings(servers, ports)
        backends = Backends(supervisor, settings)
        backends.prepare()
        backends.seed(scale=scale, warts=warts)
        backends.start_all()
        if edge:
            supervisor.start(edge_program(edge_settings(servers, ports), settings))
        start_background(supervisor, settings, HOME, servers.databases["cutover"] if edge else "")
        _print_addresses(ports)
        _until_interrupted(supervisor)


@click.group()
def main() -> None:
    """Everything on one machine."""


@main.command()
@click.option("--edge/--no-edge", default=True, help="With the proxy in front, or the two backends alone.")
@click.option("--scale", default=1, show_default=True, type=click.IntRange(1, 1000), help="Times production size.")
@click.option("--warts", is_flag=True, help="With every oddity a legacy database can hold.")
def up(edge: bool, scale: int, warts: bool) -> None:
    """Start servers, backends and the proxy; end with Ctrl-C or 'down'."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _the_only_one():
            _up(edge, scale, warts)
    except KeyboardInterrupt:
        say("stack", "stopped", "-")
    except (EmbeddedError, BackendError, NodeMissing, ProcessError) as error:
        raise click.ClickException(str(error)) from error


@main.command()
def down() -> None:
    """Stop a stack that runs, and wait for its end."""
    pid = running()
    if pid is None:
        return say("stack", "is not up")
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOPPED_WITHIN
    while running() == pid:
        if time.monotonic() > deadline:
            raise click.ClickException(f"process {pid} has not ended after {STOPPED_WITHIN:.0f} s")
        time.sleep(0.1)
    say("stack", "is down", "-")


@main.command()
def clean() -> None:
    """Remove all that was ever written: databases, logs, secrets."""
    if pid := running():
        raise click.ClickException(f"the stack is up (pid {pid}): python -m stack down")
    for name in SERVER_NAMES:
        shutil.rmtree(fallback_for(VAR / "servers" / name), ignore_errors=True)
    if VAR.exists():
        shutil.rmtree(VAR)
    say("stack", f"removed {VAR}", "-")


__all__ = ["DJANGO", "NODE", "Ports", "backend_settings", "edge_settings", "free_ports", "main", "stack_secrets"]
