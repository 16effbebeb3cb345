"""`cutover history`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from proxy.cli.client import Control
from proxy.cli.options import Verb, reaching
from proxy.cli.output import print_json, print_table


@click.command(cls=Verb)
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@click.option("--before", type=click.IntRange(1), metavar="ID", help="Only what is older than this row.")
@reaching
def history(limit: int, before: int | None, url: str | None, config: Path | None, as_json: bool) -> None:
    """Show every change: what, who and why. With --json also the evidence."""
    found = Control(url, config).get("/api/history", limit=limit, before=before)
    if as_json:
        return print_json(found)
    rows = [
        (event["id"], event["at"][:19].replace("T", " "), event["who"], event["kind"], _change(event), event["why"])
        for event in found["history"]
    ]
    print_table(["id #", "at (UTC)", "who", "what", "change", "why"], rows, "nothing has happened yet")


def _change(event: dict[str, Any]) -> str:
    return "; ".join(_step(name, event["from"].get(name), after) for name, after in event["to"].items())


def _step(name: str, before: Any, after: Any) -> str:
    if isinstance(after, dict):
        return "; ".join(f"{key} {_shown((before or {}).get(key))} → {_shown(after[key])}" for key in after)
    return f"{name} {_shown(before)} → {_shown(after)}"


def _shown(value: Any) -> str:
    return "none" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
