"""`cutover journal …`: what waits, what needs a person, and what a person may do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from proxy.cli.client import Control
from proxy.cli.journal_output import entry_rows, needs, print_change, state_rows
from proxy.cli.options import Verb, changing, reaching
from proxy.cli.output import print_json, print_page, print_table

_ENTRIES = "/api/journal/entries"
_COLUMNS = ["number", "state", "age", "route", "lanes", "why"]
number = click.argument("number", type=click.IntRange(1))


@click.group()
def journal() -> None:
    """Look at the journal of writes, and settle what cannot settle itself."""


@journal.command(cls=Verb)
@reaching
def status(url: str | None, config: Path | None, as_json: bool) -> None:
    """Show how much waits, and what needs a person."""
    found = Control(url, config).get("/api/journal")
    if as_json:
        return print_json(found)
    print_page(state_rows(found))
    if found.get("needs"):
        print_table(_COLUMNS, needs(found["needs"]), "")


@journal.command("list", cls=Verb)
@click.option("--state", help="Only these states, such as `done` or `failed,applied`; the newest first.")
@click.option("--differed", is_flag=True, help="Those whose answers differed, though their rows were carried since.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--before", type=click.IntRange(1), metavar="NUMBER", help="With these two: only older ones.")
@reaching
def listed(
    state: str | None, differed: bool, limit: int, before: int | None, url: str | None, config: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """List entries; without --state those that need a person, the oldest first."""
    found = Control(url, config).get(
        _ENTRIES, state=state, differed=1 if differed else None, limit=limit, before=before
    )
    if as_json:
        return print_json(found)
    print_table(_COLUMNS, needs(found["entries"]), "there is none")


@journal.command(cls=Verb)
@number
@reaching
def show(number: int, url: str | None, config: Path | None, as_json: bool) -> None:
    """Show one entry with both backends' answers. Secrets are left out."""
    found = Control(url, config).get(f"{_ENTRIES}/{number}")
    return print_json(found) if as_json else print_page(entry_rows(found))


@journal.command(cls=Verb)
@number
@changing
def retry(number: int, reason: str, dry_run: bool, url: str | None, config: Path | None, as_json: bool) -> None:
    """Send a parked entry again, once what stood in its way is mended."""
    _change(f"{_ENTRIES}/{number}/retry", {"reason": reason}, dry_run, url, config, as_json)


@journal.command(cls=Verb)
@number
@click.option("--reason", required=True, help="Why the standby may do without it; kept in the history.")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@reaching
def skip(number: int, reason: str, dry_run: bool, url: str | None, config: Path | None, as_json: bool) -> None:
    """Let the standby do without an entry: the two sides may differ from then on."""
    _change(f"{_ENTRIES}/{number}/skip", {"reason": reason}, dry_run, url, config, as_json)


@journal.command(cls=Verb)
@click.argument("what", metavar="NUMBER|LANE")
@changing
def heal(what: str, reason: str, dry_run: bool, url: str | None, config: Path | None, as_json: bool) -> None:
    """Carry rows from the active side to the standby, instead of writes.

    NUMBER: those of an entry's lanes. LANE, such as `cadets/57`: those of the lane and of all below it.
    """
    asked: dict[str, Any] = {"reason": reason}
    if what.isascii() and what.isdigit():
        return _change(f"{_ENTRIES}/{what}/heal", asked, dry_run, url, config, as_json)
    _change("/api/journal/heal", asked | {"lane": what}, dry_run, url, config, as_json)


@journal.command(cls=Verb)
@click.argument("client")
@changing
def erase(client: str, reason: str, dry_run: bool, url: str | None, config: Path | None, as_json: bool) -> None:
    """Forget what one person wrote. CLIENT is the key that pins use, such as `id:57`."""
    _change("/api/journal/erase", {"client": client, "reason": reason}, dry_run, url, config, as_json)


def _change(
    path: str, asked: dict[str, Any], dry_run: bool, url: str | None, config: Path | None, as_json: bool
) -> None:
    print_change(Control(url, config).ask("POST", path, asked, dry_run=int(dry_run)), as_json)
