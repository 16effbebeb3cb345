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
from proxy.edge.routing import copies
from proxy.errors import ConfigError, CutoverError
from proxy.state import Phase
from proxy.surroundings import DATABASE

ANSWER_WITHIN = 3
_RELEASE = "SELECT active, phase FROM cutover.control"


class Ends(NamedTuple):
    """Where rows come from and where they go."""

    source: str
    target: str


class Release(NamedTuple):
    """Who is active, and in which phase; the phase is empty where nobody could be asked."""

    active: str
    phase: str = ""

    @property
    def copying(self) -> bool:
        """Whether writes are on their way to the standby."""
        return bool(self.phase) and copies(Phase(self.phase))


class Backends(NamedTuple):
    """The backends' databases, by their names, and the name of the active one."""

    active: str
    urls: dict[str, str | None]
    replayed: bool = False
    """Writes are brought to the standby by the journal meanwhile."""

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
    writes: bool = False, into_active: bool = False, beside_journal: bool = False,
) -> Ends:  # fmt: skip
    """The two databases; URLs win over backends. What *writes* is refused where the target is the active backend's.

    Who does not work *beside the journal* is told where that brings writes to the standby.
    """
    if source and target and not (writes and _configured(config)):
        return Ends(source, target)
    known = _backends(config)
    first = from_ or (known.other(to) if to else known.active)
    second = to or known.other(first)
    pair = Ends(source or known.url(first), target or known.url(second))
    if writes and not into_active:
        known.refuse_active(pair.target)
    if writes and known.replayed and not beside_journal:
        click.echo(
            "the journal brings writes to the standby meanwhile, and may overtake this; `cutover journal heal` and "
            "`cutover reconcile --watch` wait for them", err=True,
        )  # fmt: skip
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


def store_url(config: Path | None) -> str:
    """Where the store is, for what cannot be done through the control API. Raises CutoverError if nobody says."""
    settings = read(config or DEFAULT_CONFIG, os.environ) if _configured(config) else None
    url = _store(settings) if settings else os.environ.get(DATABASE, "")
    if not url:
        raise CutoverError(f"set {DATABASE} (or store.database) to the store: its journal has to stand still for this")
    return url


def journal_beside(config: Path | None) -> str:
    """The URL of the store, if this deployment journals its writes and was ever started; else nothing.

    Raises CutoverError where writes are on their way and nobody says where the journal is.
    """
    journaling = _journaling(config)
    return _store(journaling[0]) if journaling else ""


def lacks_copies(url: str, config: Path | None) -> bool | None:
    """Of a backend's database while its release copies: whether it is the standby's, which may lack some writes yet.

    None where no position of the journal belongs to its rows. Raises CutoverError as `journal_beside` does.
    """
    journaling = _journaling(config)
    if journaling is None or not journaling[1].copying:
        return None
    settings, release = journaling
    names = [name for name, backend in settings.backends.items() if shown(backend.database or "") == shown(url)]
    return names[0] != release.active if names else None


def _journaling(config: Path | None) -> tuple[Config, Release] | None:
    """A deployment that journals its writes and was ever started."""
    settings = read(config or DEFAULT_CONFIG, os.environ) if _configured(config) else None
    if settings is None or not settings.journals:
        return None
    try:
        release = _told_by_store(settings) or _told_by_control(config)
    except (CutoverError, psycopg.errors.UndefinedTable):
        return None
    except psycopg.Error as error:
        raise CutoverError(f"the journal cannot be asked which writes are under way: {error}") from error
    if release.copying and not _store(settings):
        raise CutoverError(f"set {DATABASE} to the store: its journal knows which writes are under way")
    return settings, release


def _backends(path: Path | None) -> Backends:
    config = read(path or DEFAULT_CONFIG, os.environ)
    urls = {name: backend.database for name, backend in config.backends.items()}
    release = _release(config, path)
    return Backends(release.active, urls, config.journals and release.copying)


def _release(config: Config, path: Path | None) -> Release:
    """Where the release stands, from whoever knows it best."""
    try:
        release = _told_by_store(config) or _told_by_control(path)
    except (CutoverError, psycopg.Error) as error:
        why = " ".join(str(error).split())
        click.echo(
            f"taking {config.active} as active, as the configuration says; nobody could be asked: {why}", err=True
        )
        return Release(config.active)
    if release.active not in config.backends:
        known = ", ".join(config.names)
        raise ConfigError([f"backends: {release.active} is active, the store says, and is none of {known}"])
    return release


def _store(config: Config) -> str:
    return os.environ.get(DATABASE) or config.store.database or ""


def _told_by_store(config: Config) -> Release | None:
    """From the row that every edge obeys; None where nobody said where the store is."""
    if not (url := _store(config)):
        return None
    with psycopg.connect(url, connect_timeout=ANSWER_WITHIN, application_name="cutover rows") as connection:
        connection.execute(f"SET statement_timeout = '{ANSWER_WITHIN}s'".encode())
        row = connection.execute(_RELEASE.encode()).fetchone()
    if row is None:
        raise CutoverError("nothing was ever started here")
    return Release(*map(str, row))


def _told_by_control(path: Path | None) -> Release:
    """From `cutover serve`, which starts a store of its own where none is named."""
    state = Control(None, path).get("/api/status")["state"]
    return Release(str(state["active"]), str(state["phase"]))
