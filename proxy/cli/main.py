"""`cutover …`: finds the verb, and imports nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

_VERBS: Mapping[str, str] = {
    "serve": "proxy.cli.serve:serve",
    "status": "proxy.cli.status:status",
    "start": "proxy.cli.phase:start",
    "stop": "proxy.cli.phase:stop",
    "weight": "proxy.cli.weight:weight",
    "pin": "proxy.cli.pin:pin",
    "journal": "proxy.cli.journal:journal",
    "diffs": "proxy.cli.diffs:diffs",
    "history": "proxy.cli.history:history",
    "rearm": "proxy.cli.guard:rearm",
    "migrate": "proxy.cli.migrate:migrate",
    "verify": "proxy.cli.verify:verify",
    "heal": "proxy.cli.heal:heal",
    "reconcile": "proxy.cli.reconcile:reconcile",
    "config": "proxy.cli.configuration:config",
    "version": "proxy.cli.about:version",
}


class Verbs(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        module, _, name = _VERBS[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
def cutover() -> None:
    """Move a live HTTP API from one backend to another, and back.

    Exit status: 0 done, 1 refused or failed (the reason is on standard error), 2 used in a wrong way.
    """


if __name__ == "__main__":
    cutover(prog_name="cutover")
