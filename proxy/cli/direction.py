"""Which way rows go: from the backend that is active now to the other one, unless something else is said.

The store knows who is active; the configuration only knows who was at the start. Whoever has to be content with the
configuration is told so, on standard error.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import click
import psycopg

from migration.session import shown
from proxy.cli.client import DEFAULT_CONFIG, Control
from proxy.config import Config, read
from proxy.config.model import Rows
from proxy.errors import ConfigError, CutoverError
from proxy.surroundings import DATABASE

ANSWER_WITHIN = 3
_ACTIVE = "SELECT active FROM cutover.control"


class Ends(NamedTuple):
    """Where rows come from and where they go."""

    source: str
    target: str


class Backends(NamedTuple):
    """The backends' databases, by their names, and the name of the active one."""

    active: str
    urls: dict[str, str | None]

    def other(self, name: str) -> str:
        """The other backend's name."""
        return next((other for other in self.urls if other != name), name)

    def url(self, name: str) -> str:
        """The URL of a backend's database."""
        if name not in self.urls:
            raise ConfigError([f"{name!r} is no backend: {', '.join(self.urls)}"])
        if not (url := self.urls[name]):
            raise ConfigError([f"backends.{name}.database is not set: give it, or --source and --target"])
        return url

    def refuse_active(self, target: str) -> None:
        """Nothing is written over the rows of the backend that owns the writes."""
        active = self.urls.get(self.active)
        if active and shown(active) == shown(target):
            raise CutoverError(
                f"{self.active} is active: its rows are the truth, and this would write over them. To bring its rows "
                f"to {self.other(self.active)} say --from {self.active}; to do it all the same say --into-active"
            )


def ends(
    source: str | None, target: str | None, from_: str | None, to: str | None, config: Path | None, *,
    writes: bool = False, into_active: bool = False,
) -> Ends:  # fmt: skip
    """The two databases; URLs win over backends. What *writes* is refused where the target is the active backend's."""
    if source and target and not (writes and _configured(config)):
        return Ends(source, target)
    known = _backends(config)
    first = from_ or (known.other(to) if to else known.active)
    second = to or known.other(first)
    pair = Ends(source or known.url(first), target or known.url(second))
    if writes and not into_active:
        known.refuse_active(pair.target)
    return pair


def database(
    url: str | None, name: str | None, config: Path | None, *, writes: bool = False, into_active: bool = False
) -> str:
    """One database; without any word the one that rows go to."""
    if url and not (writes and _configured(config)):
        return url
    known = _backends(config)
    found = url or known.url(name or known.other(known.active))
    if writes and not into_active:
        known.refuse_active(found)
    return found


def declared(config: Path | None) -> Rows:
    """What the configuration says about how rows correspond; nothing where there is no configuration."""
    return read(config or DEFAULT_CONFIG, os.environ).rows if _configured(config) else Rows()


def _configured(path: Path | None) -> bool:
    return path is not None or DEFAULT_CONFIG.exists()


def _backends(path: Path | None) -> Backends:
    config = read(path or DEFAULT_CONFIG, os.environ)
    urls = {name: backend.database for name, backend in config.backends.items()}
    return Backends(_active(config, path), urls)


def _active(config: Config, path: Path | None) -> str:
    """The active backend's name, from whoever knows it best."""
    try:
        active = _told_by_store(config) or _told_by_control(path)
    except (CutoverError, psycopg.Error) as error:
        why = " ".join(str(error).split())
        click.echo(
            f"taking {config.active} as active, as the configuration says; nobody could be asked: {why}", err=True
        )
        return config.active
    if active not in config.backends:
        raise ConfigError([f"backends: {active} is active, the store says, and is none of {', '.join(config.names)}"])
    return active


def _told_by_store(config: Config) -> str | None:
    """From the row that every edge obeys; None where nobody said where the store is."""
    url = os.environ.get(DATABASE) or config.store.database
    if not url:
        return None
    with psycopg.connect(url, connect_timeout=ANSWER_WITHIN, application_name="cutover rows") as connection:
        connection.execute(f"SET statement_timeout = '{ANSWER_WITHIN}s'".encode())
        row = connection.execute(_ACTIVE.encode()).fetchone()
    if row is None:
        raise CutoverError("nothing was ever started here")
    return str(row[0])


def _told_by_control(path: Path | None) -> str:
    """From `cutover serve`, which starts a store of its own where none is named."""
    return str(Control(None, path).get("/api/status")["state"]["active"])
