"""What the processes of one deployment share."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.config import Config, parse
from proxy.config.model import Store
from proxy.errors import ConfigError
from proxy.secret import kept_secret
from proxy.surroundings import surroundings


def config(directory: Path) -> Config:
    text = "backends: {a: {url: 'http://h:1'}, b: {url: 'http://h:2'}}\nactive: a\n"
    return replace(parse(text, {}), store=Store(directory=str(directory)))


def test_a_child_finds_the_same_surroundings_by_its_environment(tmp_path: Path) -> None:
    first = replace(surroundings(config(tmp_path), {}), database="postgresql://x", redis="redis://y", port=1234)
    assert surroundings(config(tmp_path), first.environment()) == first


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    with ThreadPoolExecutor(8) as pool:
        secrets = list(pool.map(lambda _: kept_secret(path, "X"), range(16)))
    assert len(set(secrets)) == 1
    assert len(secrets[0]) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_name_in_via_does_not_give_the_secret_away(tmp_path: Path) -> None:
    around = surroundings(config(tmp_path), {"CUTOVER_SECRET": "hunter2-hunter2"})
    assert b"hunter2" not in around.pseudonym
    assert around.pseudonym != surroundings(config(tmp_path), {"CUTOVER_SECRET": "another"}).pseudonym


@pytest.mark.parametrize("port", ["x", "-1", "65536", "8080 ", "０"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    with pytest.raises(ConfigError, match="PORT"):
        surroundings(config(tmp_path), {"PORT": port})


def test_a_socket_has_a_name_that_the_kernel_takes_however_deep_the_directory(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name"] * 8)
    path = surroundings(config(deep), {}).socket(3)
    assert len(str(path)) < 104
    assert path.parent.is_dir()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
