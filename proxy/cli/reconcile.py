"""`cutover reconcile`: find rows that differ although nobody was told, and heal them; once, or again and again."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

import click
import structlog

from migration import reconcile as reconciling
from migration.heal import heal
from migration.mapping import RowMapping
from migration.rounds import Round
from migration.watching import Rows, Watcher, Watching
from proxy.carrying import ThroughJournal
from proxy.cli.direction import Ends, ends, journal_beside
from proxy.cli.output import print_json, print_table
from proxy.cli.rows import RowsVerb, between, dry_run, into_active, leave, mapped, mapping, print_findings

SETTLE, WATCHING = 0.5, 1.0


@click.command(cls=RowsVerb)
@between
@mapped
@dry_run
@into_active
@click.option("--table", "tables", multiple=True, help="Only this table; may be given again.")
@click.option("--settle", type=click.FloatRange(0, 600),
              help="Seconds after which rows that differ are looked at again, before they are healed.  "
                   f"[default: {SETTLE}, with --watch {WATCHING}]")  # fmt: skip
@click.option("--watch", is_flag=True, help="Look again and again, until Ctrl-C.")
@click.option("--interval", default=5.0, show_default=True, type=click.FloatRange(0, 3600),
              help="With --watch: seconds between two looks.")  # fmt: skip
@click.option("--full-every", default=60.0, show_default=True, type=click.FloatRange(0, 86400),
              help="With --watch: seconds after which also tables that nobody seems to have written to are compared.",
)  # fmt: skip
@click.option("--heal-foreign", is_flag=True,
              help="With --watch: heal also what was changed on the target; what was written there is lost.",
)  # fmt: skip
@click.option("--rounds", default=0, help="With --watch: end after so many looks.")
@click.pass_context
def reconcile(
    ctx: click.Context, source: str | None, target: str | None, from_: str | None, to: str | None, config: Path | None,
    name: str | None, zones: tuple[str, ...], rules: tuple[str, ...], settings: Path | None, dry_run: bool,
    into_active: bool, tables: tuple[str, ...], settle: float | None, watch: bool, interval: float, full_every: float,
    heal_foreign: bool, rounds: int, as_json: bool,
) -> None:  # fmt: skip
    """Compare, heal what differs, and compare again. Exit status 1 if something differs still.

    With --watch rows that were changed on the source past the proxy are healed as they come; rows that were changed
    on the target, where nobody but the copies may write, are told and left to a person, and the exit status is 1
    while there are any. With --json every look is one line.
    """
    plan = mapping(name, zones, rules, settings, config)
    pair = ends(source, target, from_, to, config, writes=True, into_active=into_active, beside_journal=watch)
    if watch:
        how = Watching(WATCHING if settle is None else settle, full_every, heal_foreign=heal_foreign, dry_run=dry_run,
                       tables=tables)  # fmt: skip
        plan.only(tables)
        journal = "" if source or target else journal_beside(config)
        return leave(ctx, _watched(_watcher(pair, plan, how, journal), interval, rounds, as_json))
    done = reconciling.reconcile(
        *pair, plan, tables=tables, dry_run=dry_run, settle=SETTLE if settle is None else settle
    )
    assert done.last is not None
    if as_json:
        print_json(done.document())
    else:
        print_table(("table", "key", "would be" if dry_run else "done"), done.rows, "nothing to heal")
        if not dry_run:
            print_findings([finding for finding in done.last.findings if not finding.note])
    leave(ctx, done.last.ok)


def _watcher(pair: Ends, plan: RowMapping, how: Watching, journal: str) -> Watcher:
    """With a journal rows are carried by whoever holds their lanes."""
    if not journal:
        return Watcher(*pair, plan, how)

    def plain(wanted: Mapping[str, Rows]) -> Sequence[tuple[str, str, str]]:
        return heal(*pair, plan, {name: set(rows) for name, rows in wanted.items()}).rows

    through = ThroughJournal(journal, plan, plain)
    return Watcher(*pair, plan, how, settled=through.settled, mend=through.mend)


def _watched(watcher: Watcher, interval: float, rounds: int, as_json: bool) -> bool:
    """Look until the rounds are over or somebody ends it; whether the last look found all in order."""
    _log_beside()
    done = Round(failed="it was ended before the first look")
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        while True:
            done = watcher.look()
            _tell(done, watcher, as_json)
            # What cannot even begin is a mistake, and no trouble that may pass.
            if watcher.totals.rounds == rounds or (done.failed and watcher.totals.rounds == 1):
                break
            if not (done.more and done.healed):
                time.sleep(interval)
    except KeyboardInterrupt:
        click.echo("ended", err=True)
    finally:
        signal.signal(signal.SIGTERM, before)
        watcher.close()
    return done.ok


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _log_beside() -> None:
    """The log goes to standard error: standard output belongs to the answers."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True),
                    structlog.processors.JSONRenderer()],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )  # fmt: skip


def _tell(done: Round, watcher: Watcher, as_json: bool) -> None:
    if as_json:
        return print_json({**done.document(), "totals": watcher.totals.document()})
    if done.quiet:
        return
    print_findings([*done.foreign, *done.unverifiable])
    rows = [*done.healed, *((table, key, "equal again") for table, key in done.resolved)]
    told = done.failed or f"{done.open} rows were changed on the target and differ still"
    print_table(("table", "key", "would be" if watcher.how.dry_run else "done"), rows, told)
