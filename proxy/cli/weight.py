"""`cutover weight`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from proxy.cli.client import Control
from proxy.cli.options import Verb, changing
from proxy.cli.output import percent, print_json, print_outcome, print_page, weights


@click.command(cls=Verb)
@click.argument("shares", nargs=-1, metavar="[NAME=PERCENT | NAME PERCENT | PERCENT]")
@click.option("--route", help="Only this route, such as 'GET /api/v1/cadets/{id}'.")
@click.option("--clear", is_flag=True, help="Take the route's own share away.")
@changing
def weight(
    shares: tuple[str, ...],
    route: str | None,
    clear: bool,
    reason: str,
    dry_run: bool,
    url: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Divide the clients' reads, or show how they are divided.

    A plain PERCENT is the standby's.
    """
    if clear and (shares or not route):
        raise click.UsageError("--clear takes a --route and no share")
    control = Control(url, config)
    if not shares and not clear:
        if route or reason or dry_run:
            raise click.UsageError("say how much: PERCENT or NAME=PERCENT")
        return _show(control, as_json)
    asked: dict[str, Any] = {"share": None} if clear else _asked(shares)
    asked |= {"reason": reason} | ({"route": route} if route else {})
    print_outcome(control.ask("PUT", "/api/weight", asked, dry_run=int(dry_run)), as_json)


def _asked(shares: tuple[str, ...]) -> dict[str, Any]:
    if all("=" in share for share in shares):
        pairs = [share.rpartition("=") for share in shares]
        return {"weights": {name: _percent(value) for name, _, value in pairs}}
    if len(shares) == 2:
        return {"weights": {shares[0]: _percent(shares[1])}}
    if len(shares) == 1:
        return {"share": _percent(shares[0])}
    raise click.UsageError("expected PERCENT, NAME=PERCENT or NAME PERCENT")


def _percent(written: str) -> float:
    try:
        value = float(written.removesuffix("%"))
    except ValueError:
        raise click.UsageError(f"{written!r} is not a percentage") from None
    if not 0 <= value <= 100:
        raise click.UsageError(f"{written!r} is not between 0 and 100")
    return value


def _show(control: Control, as_json: bool) -> None:
    status = control.get("/api/status")
    state = status["state"]
    if as_json:
        shown = {name: state[name] for name in ("share", "weights", "route_shares")}
        return print_json({**shown, "effective": status["effective"]})
    routes = [("route", f"{route}: {percent(share)}", "") for route, share in state["route_shares"].items()]
    print_page([("asked for", weights(state), "bold"), ("got", got(status["effective"]), ""), *routes])


def got(effective: dict[str, Any]) -> str:
    """The effective weights, and what was held home."""
    if not effective["weights"]:
        return "no weighted reads in the last minute"
    shares = ", ".join(f"{name} {percent(share)}" for name, share in effective["weights"].items())
    held = ", ".join(f"{number} {reason}" for reason, number in effective["held_home"].items())
    return f"{shares} of {effective['reads']} reads in the last minute" + (f"; held home: {held}" if held else "")
