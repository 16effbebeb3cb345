"""An edge in a process of its own, so that its memory and its CPU time can be read."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.support.wire import Client

ROOT = Path(__file__).parents[3]
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class EdgeProcess:
    """A running edge."""

    pid: int
    port: int
    clients: list[Client] = field(default_factory=list)

    def resident(self) -> int:
        """Bytes of memory that it uses now."""
        return self._status("VmRSS")

    def peak(self) -> int:
        """Bytes of memory that it used at the most."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """Count the peak from now on."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def connect(self) -> Client:
        """A new client."""
        self.clients.append(await Client.connect(self.port))
        return self.clients[-1]

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise LookupError(name)


@asynccontextmanager
async def edge_process(node: str, django: str, **settings: Any) -> AsyncIterator[EdgeProcess]:
    """Start an edge in front of two backends; `share` is the standby's."""
    given = orjson.dumps({"node": node, "django": django, **settings}).decode()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.edge", given, cwd=ROOT, stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None and process.stdout is not None
    edge = EdgeProcess(process.pid, 0)
    try:
        async with asyncio.timeout(30):
            port = int(await process.stdout.readline())
        edge = EdgeProcess(process.pid, port)
        yield edge
    finally:
        for client in edge.clients:
            client.writer.transport.abort()
        process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
