"""What Prometheus sees (design.md section 11): the same numbers from every process, merged.

Set PROMETHEUS_MULTIPROC_DIR before this module is imported; without it the numbers are those of this process alone.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from shadow import metrics as shadow_metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"

REQUESTS = Counter(
    "cutover_requests_total", "Requests by the backend that answered.", ["backend", "route", "class", "status"]
)
SECONDS = Histogram(
    "cutover_request_seconds",
    "Seconds from a request's arrival to the end of its answer.",
    ["backend", "route"],
    # The guard's limits, 1 and 2 s, and the service objective, 0.5 s, are boundaries with neighbours on both sides.
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0),
)
UPSTREAM_FAULTS = Counter(
    "cutover_upstream_faults_total", "Requests for which a backend gave no whole answer.", ["backend", "fault"]
)
REFUSED = Counter("cutover_refused_total", "Requests that the edge refused before choosing a backend.", ["status"])
IN_FLIGHT = Gauge(
    "cutover_requests_in_flight", "Requests being answered now.", ["backend"], multiprocess_mode="livesum"
)
HELD_HOME = Counter("cutover_held_home_total", "Reads meant for the standby that the active one answered.", ["reason"])
UPSTREAM_UP = Gauge(
    "cutover_upstream_up", "1 while the backend's health check succeeds.", ["backend"], multiprocess_mode="mostrecent"
)
WEIGHT = Gauge(
    "cutover_weight", "Percent of clients whose reads it answers.", ["backend"], multiprocess_mode="mostrecent"
)
EFFECTIVE_WEIGHT = Gauge(
    "cutover_effective_weight",
    "Percent of the last minute's weighted reads that it answered.",
    ["backend"],
    multiprocess_mode="mostrecent",
)
ACTIVE = Gauge("cutover_active", "1 for the active backend.", ["backend"], multiprocess_mode="mostrecent")
EPOCH = Gauge("cutover_epoch", "Grows with every change of roles.", multiprocess_mode="mostrecent")
GUARD_VERDICT = Counter("cutover_guard_verdict_total", "Looks of the guard by what it said.", ["action", "rule"])

WATCHED = Counter("cutover_rows_looks_total", "Looks at both databases for writes past the proxy.", ["result"])
OUT_OF_BAND = Counter(
    "cutover_rows_out_of_band_total", "Rows written past the proxy and carried to the standby.", ["table", "action"]
)
FOREIGN_ROWS = Gauge(
    "cutover_rows_foreign",
    "Rows of the standby that somebody else has changed and that differ still.",
    multiprocess_mode="mostrecent",
)
JOURNAL_ENTRIES = Gauge(
    "cutover_journal_entries", "Writes in a state that is no end in itself.", ["state"], multiprocess_mode="mostrecent"
)
JOURNAL_LAG = Gauge(
    "cutover_journal_lag_seconds",
    "Age of the oldest write that the active side has done and the standby has not.",
    multiprocess_mode="mostrecent",
)
JOURNAL_OLDEST = Gauge(
    "cutover_journal_oldest_seconds",
    "Age of the oldest write that needs a person.",
    ["state"],
    multiprocess_mode="mostrecent",
)

MIRRORED, SKIPPED = shadow_metrics.MIRRORED, shadow_metrics.SKIPPED


@lru_cache(maxsize=4096)
def _requests(backend: str, route: str, kind: str, status: int) -> Counter:
    return REQUESTS.labels(backend, route, kind, str(status))


@lru_cache(maxsize=1024)
def _seconds(backend: str, route: str) -> Histogram:
    return SECONDS.labels(backend, route)


def answered(backend: str, route: str, kind: str, status: int, seconds: float) -> None:
    """Count one request that has ended. `route` is the template, never the raw path."""
    _requests(backend, route, kind, status).inc()
    _seconds(backend, route).observe(seconds)


def upgraded(backend: str, route: str) -> None:
    """Count one WebSocket that has ended; its length is no latency."""
    _requests(backend, route, "websocket", 101).inc()


def render() -> bytes:
    """The text of /metrics, with the numbers of all processes."""
    if not os.environ.get(_MULTIPROCESS):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def begin(directory: Path) -> None:
    """Make the directory of the processes' numbers, empty: those of an earlier run are no longer true."""
    directory.mkdir(parents=True, exist_ok=True)
    for left in directory.glob("*.db"):
        left.unlink(missing_ok=True)


def forget(pid: int) -> None:
    """Take a dead process's requests in flight out of the sum. Its counters stay: they did happen."""
    if os.environ.get(_MULTIPROCESS):
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
