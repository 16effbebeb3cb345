"""Forwarding: the same requests through each proxy by turns; the median of the rounds counts."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench.load import WARM_UP, Sample, hammer
from bench.peers import PEERS, running
from proxy.embedded import free_port

ROUNDS, SECONDS, CONNECTIONS = 3, 3.0, 32
_TICKS = os.sysconf("SC_CLK_TCK")
_CLIENT = "Authorization: Bearer abcdefghijklmnopqrstuvwxyz\r\n"


class Case(NamedTuple):
    """One kind of request."""

    name: str
    request: bytes


CASES = (
    Case("GET 1 KiB", f"GET /1024 HTTP/1.1\r\nHost: bench\r\n{_CLIENT}\r\n".encode()),
    Case("GET 20 KiB", f"GET /20480 HTTP/1.1\r\nHost: bench\r\n{_CLIENT}\r\n".encode()),
    Case(
        "POST 1 KiB",
        f"POST /2 HTTP/1.1\r\nHost: bench\r\n{_CLIENT}Content-Type: text/plain\r\nContent-Length: 1024\r\n\r\n".encode()
        + b"x" * 1024,
    ),
)


class Result(NamedTuple):
    """Medians over the rounds."""

    proxy: str
    case: str
    cpu: float  # µs per request
    rate: float
    p50: float  # ms
    p99: float


def measure(directory: Path, say: Callable[[str], None]) -> list[Result]:
    """Every available proxy on every case, interleaved. Raises RuntimeError when one gives a wrong answer."""
    peers = [peer for peer in PEERS if peer.available()]
    say("beside: " + ", ".join(peer.name for peer in peers))
    with ExitStack() as stack:
        backends = (free_port(), free_port())
        for port in backends:
            command = [sys.executable, "-m", "bench.backend", str(port)]
            stack.enter_context(running(command, {}, port, directory / f"backend-{port}.log"))
        proxies = {}
        for peer in peers:
            home = directory / peer.name.replace(" ", "-")
            home.mkdir()
            port = free_port()
            command, environment = peer.command(home, port, backends)
            proxies[peer.name] = (port, stack.enter_context(running(command, environment, port, home / "log")))
        return [_median(name, case, proxies, say) for case in CASES for name in proxies]


def _median(name: str, case: Case, proxies: dict[str, tuple[int, int]], say: Callable[[str], None]) -> Result:
    port, pid = proxies[name]
    uvloop.run(hammer(port, case.request, CONNECTIONS, WARM_UP))
    rounds = [_round(port, pid, case) for _ in range(ROUNDS)]
    say(f"{name:14} {case.name:11} {statistics.median(cpu for cpu, _ in rounds):6.0f} µs")
    samples = [sample for _, sample in rounds]
    return Result(
        proxy=name,
        case=case.name,
        cpu=statistics.median(cpu for cpu, _ in rounds),
        rate=statistics.median(sample.requests / sample.seconds for sample in samples),
        p50=statistics.median(_percentile(sample, 0.50) for sample in samples),
        p99=statistics.median(_percentile(sample, 0.99) for sample in samples),
    )


def _round(port: int, pid: int, case: Case) -> tuple[float, Sample]:
    before = cpu_seconds(pid)
    sample = uvloop.run(hammer(port, case.request, CONNECTIONS, SECONDS))
    return (cpu_seconds(pid) - before) / sample.requests * 1e6, sample


def _percentile(sample: Sample, share: float) -> float:
    return sample.latencies[min(len(sample.latencies) - 1, int(share * len(sample.latencies)))] * 1000


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all below it, in seconds (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / _TICKS
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu_seconds(int(child)) for child in children)
