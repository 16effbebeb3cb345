"""Short, aligned, plain words; JSON where asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PIPED_WIDTH = 160


def print_json(document: object) -> None:
    """One line, so that a program can read line by line."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def console() -> Console:
    """Standard output; colours and its width only where a person watches."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def print_page(rows: Iterable[tuple[str, str, str]]) -> None:
    """Lines of name, text and style."""
    _print(page(rows))


def page(rows: Iterable[tuple[str, str, str]]) -> RenderableType:
    """Names in one column, what there is to say in the other."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text, style in rows:
        grid.add_row(name, Text(text, style=style))
    return grid


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Rows under their names, or a sentence where there are none."""
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return _print(empty)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in ("count", "id #") else "left")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    _print(table)


def _print(shown: RenderableType) -> None:
    """Without the blanks that pad a line to the table's width."""
    screen = console()
    with screen.capture() as captured:
        screen.print(shown)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def percent(value: float) -> str:
    """`12.5 %`."""
    return f"{value:.4g} %"


def weights(state: Mapping[str, Any]) -> str:
    """`old 75 %, new 25 %`, the active backend first."""
    return ", ".join(f"{name} {percent(state['weights'][name])}" for name in (state["active"], state["standby"]))


def print_outcome(outcome: Mapping[str, Any], as_json: bool) -> None:
    """What a change made, or in a dry run would make, of the state."""
    if as_json:
        return print_json(outcome)
    was, now = outcome["was"], outcome["state"]
    verb = "would be" if outcome["dry_run"] else "now" if outcome["changed"] else "already"
    rows = [(verb, _told(now), "bold"), ("was", _told(was), "")] if outcome["changed"] else [(verb, _told(now), "")]
    print_page([*rows, *(("note", note, "") for note in outcome["notes"])])


def _told(state: Mapping[str, Any]) -> str:
    routes = "".join(f"; {route} {percent(share)}" for route, share in state["route_shares"].items())
    return f"{state['phase']}: {weights(state)}{routes}; {state['pins']} pinned; guard {state['guard']}"
