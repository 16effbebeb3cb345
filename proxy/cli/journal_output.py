"""How the journal is told to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.cli.output import print_json, print_page
from proxy.control.attention import duration

Rows = list[tuple[str, str, str]]


def journal_line(journal: Mapping[str, Any]) -> tuple[str, str, str]:
    """One line for `cutover status`."""
    if not journal["available"]:
        return "journal", journal["reason"], ""
    waiting = ", ".join(f"{one['count']} {state}" for state, one in sorted(journal["states"].items()))
    lag = f"the standby is {journal['lag_seconds']:.1f} s behind" if journal["lag_seconds"] else "nothing waits"
    text = f"{journal['alert']}: {lag}" + (f" ({waiting})" if waiting else "")
    text += "".join(f"; {reason}" for reason in journal["reasons"])
    return "journal", text, "bold red" if journal["alert"] == "attention" else "green"


def state_rows(journal: Mapping[str, Any]) -> Rows:
    """The page of `cutover journal status`."""
    if not journal["available"]:
        return [("journal", journal["reason"], "yellow")]
    style = "bold red" if journal["alert"] == "attention" else "green"
    replayer = journal["replayer"]
    return [
        ("alert", journal["alert"], style),
        *(("", reason, style) for reason in journal["reasons"]),
        ("lag", f"{journal['lag_seconds']:.1f} s", ""),
        *((state, f"{one['count']}, the oldest {duration(one['oldest_seconds'])}", "")
          for state, one in sorted(journal["states"].items())),
        ("replayer", f"{replayer['by']}, term {replayer['term']}" if replayer else "nobody leads", ""),
    ]  # fmt: skip


def needs(entries: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    """Rows of a table of entries."""
    return [(e["number"], e["state"], duration(e["seconds_ago"]), e["route"], lanes(e), e["reason"]) for e in entries]


def entry_rows(entry: Mapping[str, Any]) -> Rows:
    """The page of one entry."""
    asked = f"{entry['method']} {entry['target']}" if entry["method"] else "not kept any more"
    again = "; a copy may have landed: it is not sent again" if entry["may_have_landed"] else ""
    rows = [
        ("entry", f"{entry['number']}: {entry['state']}{again}", "bold"),
        ("why", entry["reason"] or "-", ""),
        *((("differed", entry["differed"], "yellow"),) if entry["differed"] else ()),
        ("route", entry["route"], ""),
        ("request", f"{asked} ({entry['id']})", ""),
        ("lanes", lanes(entry), ""),
        ("way", f"{entry['from']} → {entry['to']}, {entry['attempts']} tries", ""),
        ("came", f"{entry['at']}, {duration(entry['seconds_ago'])} ago", ""),
        ("settled", entry["settled_at"] or "not yet", ""),
        ("client", entry["client"] or "not known", ""),
    ]
    for name, said in entry["answers"].items():
        text = f"{said['status']} {said['content_type']} {said['body']}" if said else "no answer is kept"
        rows.append((name, text, "green" if name == entry["from"] else "yellow"))
    return rows


def lanes(of: Mapping[str, Any]) -> str:
    """The empty lane is everything."""
    return ", ".join(lane or "(all)" for lane in of["lanes"])


def print_change(outcome: Mapping[str, Any], as_json: bool) -> None:
    """What a person's change made, or in a dry run would make."""
    if as_json:
        return print_json(outcome)
    print_page([_changed(outcome), *(("note", note, "") for note in outcome["notes"])])


def _changed(outcome: Mapping[str, Any]) -> tuple[str, str, str]:
    dry = outcome["dry_run"]
    if "erased" in outcome:
        return "erased", f"{outcome['erased']} entries {'would be ' if dry else ''}erased", "bold"
    if "lanes" in outcome:
        settled = "" if dry else f"; settled: {', '.join(map(str, outcome['healed'])) or 'no entry'}"
        return "heal", f"the rows of {lanes(outcome)} {'would be' if dry else 'are'} carried{settled}", "bold"
    became = f"{'would be' if dry else 'is now'} {outcome['state']}, was {outcome['was']}"
    return "entry", f"{outcome['number']} {became}", "bold"
