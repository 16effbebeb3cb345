"""`cutover status`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from proxy.cli.client import Control
from proxy.cli.journal_output import journal_line
from proxy.cli.options import Verb, reaching
from proxy.cli.output import console, page, percent, print_json, print_page, weights
from proxy.cli.weight import got
from proxy.errors import CutoverError

Rows = list[tuple[str, str, str]]
EVERY = 1.0
_STYLES = {"armed": "green", "inconclusive": "yellow", "off": "yellow", "latched": "bold red", "frozen": "bold red"}


@click.command(cls=Verb)
@click.option("--watch", is_flag=True, help="Look again every second, until Ctrl-C.")
@reaching
def status(watch: bool, url: str | None, config: Path | None, as_json: bool) -> None:
    """Show everything that matters now on one page."""
    control = Control(url, config)
    if watch:
        return _watch(control, as_json)
    found = control.get("/api/status")
    return print_json(found) if as_json else print_page(rows(found))


def rows(status: dict[str, Any]) -> Rows:
    """The page, line by line."""
    state = status["state"]
    roles = f"active {state['active']}, standby {state['standby']}, epoch {state['epoch']}, version {state['version']}"
    lines = [("phase", f"{state['phase']}: {roles}", "bold red" if state["phase"] == "halted" else "bold")]
    lines += [("weights", weights(state), "bold"), ("got", got(status["effective"]), "")]
    lines += [("route", f"{route}: {percent(share)}", "") for route, share in state["route_shares"].items()]
    lines += [("pins", f"{state['pins']} clients", "")] if state["pins"] else []
    return [
        *lines,
        *_health(status["health"]),
        _guard(status["guard"]),
        _edges(status["edges"]),
        _mirror(status["mirror"]),
        journal_line(status["journal"]),
    ]


def _health(health: dict[str, Any]) -> Rows:
    words = {True: ("is well", "green"), False: ("FAILS", "bold red"), None: ("is not known", "yellow")}
    lines = []
    for name, one in health.items():
        word, style = words[one["healthy"]]
        reason = "" if one["healthy"] else f": {one['reason']}"
        lines.append(("health", f"{name} {word}{reason}, since {one['since'].replace('T', ' ')}", style))
    return lines


def _guard(guard: dict[str, Any]) -> tuple[str, str, str]:
    reason = guard["reason"] or (guard["last"] or {}).get("reason", "it has not looked yet")
    looking = "" if guard["looking"] else " (NOBODY IS LOOKING: is a control process running?)"
    return (
        "guard",
        f"{guard['state']}: {reason}{looking}",
        _STYLES.get(guard["state"], "") if guard["looking"] else "red",
    )


def _edges(edges: list[dict[str, Any]]) -> tuple[str, str, str]:
    alive = [edge for edge in edges if edge["alive"]]
    silent, behind = len(edges) - len(alive), [edge for edge in alive if not edge["agrees"]]
    if not alive:
        return "edges", "none is alive", "bold red"
    told = f"{len(alive)} alive, " + (f"{len(behind)} not up to date yet" if behind else "all agree")
    return "edges", told + (f"; {silent} fell silent" if silent else ""), "yellow" if behind or silent else "green"


def _mirror(mirror: dict[str, Any]) -> tuple[str, str, str]:
    if not mirror["available"]:
        return "mirror", mirror["reason"], "yellow"
    if mirror["match_rate"] is None:
        return "mirror", "nothing has been compared yet", ""
    counts = ", ".join(f"{number} {verdict}" for verdict, number in sorted(mirror["verdicts"].items()))
    matching = f"{percent(mirror['match_rate'] * 100)} of {mirror['compared']} compared answers match ({counts})"
    return "mirror", matching, "green" if mirror["match_rate"] == 1 else "yellow"


def _watch(control: Control, as_json: bool) -> None:
    try:
        _watch_as_json(control) if as_json else _watch_on_screen(control)
    except KeyboardInterrupt:
        return


def _watch_as_json(control: Control) -> None:
    while True:
        print_json(control.get("/api/status"))
        time.sleep(EVERY)


def _watch_on_screen(control: Control) -> None:
    from rich.live import Live

    with Live(console=console(), auto_refresh=False, screen=False) as live:
        while True:
            live.update(page(_rows_or_trouble(control)), refresh=True)
            time.sleep(EVERY)


def _rows_or_trouble(control: Control) -> Rows:
    """A control that restarts is no reason to stop watching."""
    try:
        return rows(control.get("/api/status"))
    except CutoverError as error:
        return [("trouble", str(error), "bold red")]
