"""Tokens: where they come from, and that a secret never shows."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from proxy.config import Config, parse
from proxy.control.auth import Role, Tokens, token_file, tokens
from proxy.control.redaction import fingerprint, shown
from proxy.control.server import control_port
from proxy.errors import CutoverError

TEXT = "backends: {a: {url: 'http://a:1'}, b: {url: 'http://b:1'}}\nactive: a\n"


def config(directory: Path, more: str = "") -> Config:
    return parse(f"{TEXT}store: {{directory: '{directory}'}}\n{more}", {})


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("Bearer one", Role.OPERATOR),
        ("bearer one", Role.OPERATOR),
        ("Bearer two", Role.VIEWER),
        ("Bearer ", None),
        ("Bearer three", None),
        ("Basic one", None),
        ("one", None),
        ("Bearer öne", None),
        ("", None),
        (None, None),
    ],
)
def test_a_header_proves_a_role_or_nothing(header: str | None, role: Role | None) -> None:
    assert Tokens("one", "two").role(header) is role


def test_without_a_viewers_token_nobody_is_a_viewer() -> None:
    assert Tokens("one", None).role("Bearer ") is None
    assert Tokens("one", None).role("Bearer None") is None


def test_the_environment_wins_over_the_configuration_and_that_over_the_file(tmp_path: Path) -> None:
    both = config(tmp_path, "token: from-file")
    assert tokens(both, {"CUTOVER_TOKEN": "from-environment"}).operator == "from-environment"
    assert tokens(both, {"CUTOVER_TOKEN": ""}).operator == "from-file"
    assert not token_file(both).exists()


def test_a_token_that_nobody_chose_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    made = tokens(config(tmp_path / "new"), {}).operator
    path = token_file(config(tmp_path / "new"))
    assert len(made) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert tokens(config(tmp_path / "new"), {}).operator == made
    assert [one.name for one in path.parent.iterdir()] == ["token"]


def _token(directory: Path) -> str:
    return tokens(config(directory), {}).operator


def test_processes_that_start_at_once_get_the_same_token(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert len(set(pool.map(_token, [tmp_path / "new"] * 6))) == 1


def test_a_token_that_cannot_be_kept_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CutoverError, match="set CUTOVER_TOKEN"):
        tokens(config(tmp_path / "file"), {})
    (tmp_path / "token").touch()
    with pytest.raises(CutoverError, match="is empty"):
        tokens(config(tmp_path), {})


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("postgresql://u:hunter2@h:1/d", "postgresql://u:***@h:1/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://h/d?password=hunter2", "postgresql://h/d?***"),
        ("host=h password=hunter2", "***"),
    ],
)
def test_passwords_in_urls_are_hidden(tmp_path: Path, written: str, seen: str) -> None:
    text = TEXT.replace("b:1'", f"b:1', database: '{written}'")
    document = shown(parse(f"{text}token: t\nsecret: s\nstore: {{redis: 'redis://:hunter2@h:1/0'}}", {}))
    assert document["backends"]["b"]["database"] == seen
    assert (document["token"], document["secret"], document["viewer_token"]) == ("***", "***", None)
    assert "hunter2" not in str(document)


def test_the_fingerprint_tells_configurations_apart_and_not_their_secrets(tmp_path: Path) -> None:
    first = fingerprint(config(tmp_path, "token: a"))
    assert first == fingerprint(config(tmp_path, "token: b"))
    assert first != fingerprint(config(tmp_path, "token: a\nignore_case: true"))


def test_the_control_port_of_the_environment_wins(tmp_path: Path) -> None:
    assert control_port(config(tmp_path), {}) == 8081
    assert control_port(config(tmp_path), {"CUTOVER_CONTROL_PORT": "9000"}) == 9000
    with pytest.raises(CutoverError, match="CUTOVER_CONTROL_PORT"):
        control_port(config(tmp_path), {"CUTOVER_CONTROL_PORT": "many"})
