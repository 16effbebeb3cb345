"""The numbers of several processes come out as one, by the names that dashboards rely on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ONE_PROCESS = """
from proxy import metrics
metrics.answered("new", "GET /a", "read", 200, 0.3)
metrics.IN_FLIGHT.labels("new").inc()
metrics.WEIGHT.labels("new").set({weight})
metrics.EPOCH.set(3)
metrics.HELD_HOME.labels("unhealthy").inc()
metrics.MIRRORED.labels("matched").inc()
metrics.GUARD_VERDICT.labels("hold", "error_rate").inc()
import os; print(os.getpid())
"""


def in_a_process(directory: Path, code: str) -> str:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "metrics").mkdir()
    return tmp_path / "metrics"


def test_counters_add_up_and_gauges_are_one_series(directory: Path) -> None:
    dead = [in_a_process(directory, ONE_PROCESS.format(weight=weight)).strip() for weight in (10, 25)]
    text = in_a_process(directory, "from proxy import metrics; print(metrics.render().decode())")
    for line in (
        'cutover_requests_total{backend="new",class="read",route="GET /a",status="200"} 2.0',
        'cutover_request_seconds_count{backend="new",route="GET /a"} 2.0',
        'cutover_weight{backend="new"} 25.0',
        "cutover_epoch 3.0",
        'cutover_held_home_total{reason="unhealthy"} 2.0',
        'cutover_mirror_total{verdict="matched"} 2.0',
        'cutover_guard_verdict_total{action="hold",rule="error_rate"} 2.0',
        'cutover_requests_in_flight{backend="new"} 2.0',
    ):
        assert line in text.splitlines()
    assert len(re.findall(r"^cutover_weight\{", text, re.MULTILINE)) == 1
    code = f"from proxy import metrics; [metrics.forget(pid) for pid in {dead}]; print(metrics.render().decode())"
    text = in_a_process(directory, code)
    assert "cutover_requests_in_flight{" not in text
    assert 'cutover_requests_total{backend="new",class="read",route="GET /a",status="200"} 2.0' in text


def test_the_histogram_has_the_guards_limits_as_boundaries(directory: Path) -> None:
    in_a_process(directory, ONE_PROCESS.format(weight=1))
    text = in_a_process(directory, "from proxy import metrics; print(metrics.render().decode())")
    boundaries = {float(found) for found in re.findall(r'_bucket\{.*le="([0-9.]+)"', text)}
    assert {0.5, 1.0, 2.0} < boundaries


def test_a_new_start_forgets_the_numbers_of_the_last(directory: Path) -> None:
    in_a_process(directory, ONE_PROCESS.format(weight=1))
    in_a_process(
        directory, f"from proxy import metrics, config; import pathlib; metrics.begin(pathlib.Path({str(directory)!r}))"
    )
    text = in_a_process(directory, "from proxy import metrics; print(metrics.render().decode())")
    assert "cutover_requests_total{" not in text


def test_without_several_processes_it_shows_its_own_numbers() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    code = ONE_PROCESS.format(weight=5) + "print(metrics.render().decode())"
    run = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert 'cutover_weight{backend="new"} 5.0' in run.stdout
