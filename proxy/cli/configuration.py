"""`cutover config check | show | schema`: all of them work without any server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.cli.client import DEFAULT_CONFIG
from proxy.cli.options import Verb, as_json, config_file
from proxy.cli.output import print_json
from proxy.errors import ConfigError

if TYPE_CHECKING:
    from proxy.config import Config


@click.group()
def config() -> None:
    """Check and show the configuration."""


@config.command(cls=Verb)
@config_file
@as_json
@click.pass_context
def check(ctx: click.Context, config: Path | None, as_json: bool) -> None:
    """Report every mistake at once."""
    path = config or DEFAULT_CONFIG
    try:
        read = _read(config)
    except ConfigError as error:
        _mistakes(path, error, as_json)
        ctx.exit(1)
    told = {"ok": True, "path": str(path), "backends": list(read.names), "active": read.active}
    if as_json:
        return print_json(told)
    click.echo(f"{path} is right: {' and '.join(read.names)}, {read.active} active, {len(read.routes)} routes")


@config.command(cls=Verb)
@config_file
@as_json
def show(config: Path | None, as_json: bool) -> None:
    """Print every setting with the value it has, secrets hidden."""
    from proxy.control.redaction import shown

    document = shown(_read(config))
    if as_json:
        return print_json(document)
    import yaml

    click.echo(yaml.safe_dump(_plain(document), sort_keys=False, allow_unicode=True), nl=False)


@config.command(cls=Verb)
@as_json
def schema(as_json: bool) -> None:
    """Print the JSON Schema of the file, for editors."""
    from proxy.config import json_schema

    click.echo(json.dumps(json_schema(), indent=None if as_json else 2, ensure_ascii=False))


def _read(path: Path | None) -> Config:
    from proxy.config import read

    return read(path or DEFAULT_CONFIG, os.environ)


def _mistakes(path: Path, error: ConfigError, as_json: bool) -> None:
    if as_json:
        return print_json({"ok": False, "path": str(path), "mistakes": list(error.mistakes)})
    click.echo(f"{path}: {len(error.mistakes)} mistake{'s' * (len(error.mistakes) != 1)}", err=True)
    for mistake in error.mistakes:
        click.echo(f"  {mistake}", err=True)


def _plain(document: Any) -> Any:
    return json.loads(json.dumps(document))
