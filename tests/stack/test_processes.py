"""Supervision: ready means ready, stopped means gone, and a killed supervisor leaves nobody behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.embedded import free_port
from stack import logs
from stack.paths import ROOT
from stack.probes import http_answers, tcp_answers
from stack.processes import ProcessError, Program, Supervisor
from tests.support.waiting import eventually, group_of, is_running

STUBBORN = ["sh", "-c", "trap '' TERM; sleep 600 & sleep 600 & wait; wait"]
OWNER = """
import sys, time
from pathlib import Path
from stack.processes import Program, Supervisor
process = Supervisor(Path(sys.argv[1])).start(Program("stubborn", sys.argv[2:], Path("/")))
print(process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """A supervisor that ends with the test."""
    with Supervisor(tmp_path / "logs") as made:
        yield made


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_orphan_is_left_however_the_supervisor_dies(tmp_path: Path, signum: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path), *STUBBORN], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    with owner.stdout as told:
        group = int(told.readline())
    eventually(lambda: len(group_of(group)) == 3)
    owner.send_signal(signum)
    owner.wait()
    eventually(lambda: not group_of(group))


def test_one_that_ignores_sigterm_is_killed_with_all_it_started(supervisor: Supervisor) -> None:
    process = supervisor.start(Program("stubborn", STUBBORN, ROOT, stop_within=0.5))
    eventually(lambda: len(group_of(process.pid)) == 3)
    supervisor.stop("stubborn")
    eventually(lambda: not group_of(process.pid))


def test_a_program_is_ready_only_when_it_answers(supervisor: Supervisor) -> None:
    port = free_port()
    server = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    process = supervisor.start(Program("http", server, ROOT, ready=http_answers(f"http://127.0.0.1:{port}/")))
    assert tcp_answers(port)()
    supervisor.kill("http")
    assert not is_running(process.pid)
    assert not tcp_answers(port)()


def test_the_error_of_a_program_that_ends_early_shows_the_end_of_its_log(supervisor: Supervisor) -> None:
    broken = [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"]
    with pytest.raises(ProcessError, match=r"(?s)ended with status 3.*the reason"):
        supervisor.start(Program("broken", broken, ROOT, ready=lambda: False))
    assert supervisor.processes == {}


def test_a_program_that_never_gets_ready_is_given_up_and_ended(supervisor: Supervisor) -> None:
    with pytest.raises(ProcessError, match="not ready after 0 s"):
        supervisor.start(Program("slow", ["sleep", "600"], ROOT, ready=lambda: False, ready_within=0.3))
    assert supervisor.processes == {}


def test_starting_one_again_ends_the_old_one_first(supervisor: Supervisor) -> None:
    old = supervisor.start(Program("sleeper", ["sleep", "600"], ROOT))
    new = supervisor.start(Program("sleeper", ["sleep", "600"], ROOT))
    assert not is_running(old.pid)
    assert is_running(new.pid)


def test_one_that_ended_by_itself_is_reported(supervisor: Supervisor) -> None:
    supervisor.start(Program("short", [sys.executable, "-c", "raise SystemExit(7)"], ROOT))
    eventually(supervisor.ended)
    assert [(process.program.name, process.status) for process in supervisor.ended()] == [("short", 7)]


def test_a_log_starts_anew_when_it_is_too_long_and_its_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "chatty.log"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"old\n" * 100)
        assert logs.shorten(path, limit=100)
        writer.write(b"new\n")
    assert path.read_text() == "new\n"
    assert path.with_name("chatty.log.1").read_text() == "old\n" * 100
    assert logs.tail(path) == "new"
