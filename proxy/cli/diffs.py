"""`cutover diffs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from proxy.cli.client import Control
from proxy.cli.options import Verb, reaching
from proxy.cli.output import print_json, print_page, print_table


@click.command(cls=Verb)
@click.argument("id", required=False)
@click.option("--route", help="Only this route.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@reaching
def diffs(id: str | None, route: str | None, limit: int, url: str | None, config: Path | None, as_json: bool) -> None:
    """Show where the two backends' answers differ; with an ID, its examples."""
    control = Control(url, config)
    if id is not None:
        found = control.get(f"/api/diffs/{quote(id, safe='')}")
        return print_json(found) if as_json else _show_one(found)
    found = control.get("/api/diffs", route=route, limit=limit)
    return print_json(found) if as_json else _show(found)


def _show(found: dict[str, Any]) -> None:
    rows = [
        (
            diff["id"],
            diff["count"],
            diff["route"],
            diff["pattern"],
            diff["kind"],
            diff["status"],
            diff["last_seen"][:19],
        )
        for diff in found["diffs"]
    ]
    columns = ["id", "count", "route", "where", "kind", "status", "last seen"]
    print_table(columns, rows, "no differences were found")
    for proposal in found["noise"]:
        where = f"{proposal['route']} {proposal['pattern']}"
        print_page([("noise", f"{where}: the active backend disagrees with itself {proposal['count']} times", "")])


def _show_one(diff: dict[str, Any]) -> None:
    rule = f" ({diff['rule']})" if diff["rule"] else ""
    print_page([
        ("route", diff["route"], "bold"),
        ("where", f"{diff['pattern']}: {diff['kind']}", ""),
        ("count", f"{diff['count']}, from {diff['first_seen'][:19]} to {diff['last_seen'][:19]}", ""),
        ("status", f"{diff['status']}{rule}", ""),
    ])  # fmt: skip
    for example in diff["examples"]:
        print_page([
            ("", "", ""),
            ("request", f"{example['method']} {example['target']} ({example['request']})", ""),
            ("at", example["path"], ""),
            ("active", f"{example['active_status']} {example['active']}", "green"),
            ("standby", f"{example['standby_status']} {example['standby']}", "red"),
        ])  # fmt: skip
