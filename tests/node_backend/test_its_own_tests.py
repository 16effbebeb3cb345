"""The legacy backend's own tests, by Node's runner, on the session's PostgreSQL."""

from __future__ import annotations

import subprocess

from stack import node
from stack.paths import NODE_BACKEND


def test_the_legacy_backend_passes_its_own_tests(postgres_url: str) -> None:
    node.install()
    program = node.find_node()
    files = sorted(str(path) for path in (NODE_BACKEND / "test").glob("*.test.js"))
    done = subprocess.run(
        [program.program, "--test", "--test-concurrency=1", *files],
        cwd=NODE_BACKEND,
        env=program.environment() | {"TEST_DATABASE_URL": postgres_url},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "# fail 0" in done.stdout or "ℹ fail 0" in done.stdout
