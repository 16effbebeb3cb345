"""`cutover verify`: whether both databases hold the same rows."""

from __future__ import annotations

import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import click

from migration import verify as verifying
from migration.mapping import RowMapping
from migration.moving import Still
from migration.progress import progress
from migration.reconcile import confirmed
from migration.report import Report
from migration.urls import Asking, Urls
from proxy.cli.direction import Ends, ends
from proxy.cli.joining import settled
from proxy.cli.rows import RowsVerb, between, leave, mapped, mapping, reporting, settings_of, tell, watched


@click.command(cls=RowsVerb)
@between
@mapped
@reporting
@click.option("--table", "tables", multiple=True, help="Only this table; may be given again.")
@click.option("--urls", type=click.Choice([one.value for one in Urls]), default="none", show_default=True,
              help="Ask for the files that rows name.")  # fmt: skip
@click.option("--files-at", default="", help="Where paths without a host are, such as https://files.example.")
@click.option("--urls-per-second", default=20.0, show_default=True, type=click.FloatRange(0.1, 1000))
@click.option(
    "--settle",
    default=0.0,
    type=click.FloatRange(0, 600),
    help="Seconds after which rows that differ are looked at again: under traffic, a row may be on its way.",
)
@click.option(
    "--still",
    is_flag=True,
    help="Under traffic: hold writes for the moment that is compared, once the standby has all of them.",
)
@click.option("--watch", is_flag=True, help="Compare again and again, until Ctrl-C.")
@click.option("--interval", default=30.0, show_default=True, help="Seconds between comparisons.")
@click.option("--rounds", default=0, help="With --watch: end after so many comparisons.")
@click.pass_context
def verify(
    ctx: click.Context, source: str | None, target: str | None, from_: str | None, to: str | None, config: Path | None,
    name: str | None, zones: tuple[str, ...], rules: tuple[str, ...], settings: Path | None, place: Path | None,
    tables: tuple[str, ...], urls: str, files_at: str, urls_per_second: float, settle: float, still: bool, watch: bool,
    interval: float, rounds: int, as_json: bool,
) -> None:  # fmt: skip
    """Compare all rows of both databases, by hashes that each computes of its own; name every row that differs."""
    plan = mapping(name, zones, rules, settings, config).only(tables)
    pair = ends(source, target, from_, to, config)
    asking = Asking(Urls(urls), files_at, urls_per_second)
    done = 0
    while True:
        report = _compare(pair, plan, asking, settle, partial(settled, config) if still else nullcontext)
        tell(report, as_json, place)
        done += 1
        if not watch or done == rounds:
            break
        try:
            time.sleep(interval)
        except KeyboardInterrupt:
            break
    leave(ctx, report.ok)


def _compare(pair: Ends, plan: RowMapping, asking: Asking, settle: float, still: Still) -> Report:
    bars, shown = progress(watched())
    with shown:
        report = verifying.verify(*pair, plan, urls=asking, progress=bars, still=still)
    if settle and not report.ok:
        confirmed(report, *pair, plan, settle)
    report.settings = settings_of(plan)
    return report
