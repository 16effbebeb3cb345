"""Supervision of child processes: started in groups of their own, probed until ready, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from stack import keeper, logs
from stack.probes import Probe
from stack.say import say

LOG_CHECK_EVERY = 1.0


class ProcessError(RuntimeError):
    """A process did not become ready; the message holds the end of its log."""


@dataclass(frozen=True)
class Program:
    """What to run and how to know that it is ready."""

    name: str
    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    ready: Probe | None = None
    ready_within: float = 60.0
    stop_within: float = 10.0


class Process:
    """One running program, the leader of its own process group."""

    def __init__(self, program: Program, log: Path, forget: Callable[[int], None]) -> None:
        self.program, self.log, self._forget = program, log, forget
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                list(program.argv), cwd=program.cwd, env=dict(program.env), stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.pid = self._child.pid
        self._reaping = threading.Lock()
        self._swept = False

    @property
    def alive(self) -> bool:
        """Whether the leader still runs."""
        if self._child.poll() is None:
            return True
        self._sweep()
        return False

    @property
    def status(self) -> int | None:
        """The exit status, None while it runs."""
        return self._child.poll()

    def wait_ready(self) -> None:
        """Block until the probe says yes; raise with the end of the log if the process ends or takes too long."""
        deadline = time.monotonic() + self.program.ready_within
        while self.program.ready is not None and not self.program.ready():
            if not self.alive:
                raise ProcessError(f"{self.program.name} ended with status {self.status}:\n{logs.tail(self.log)}")
            if time.monotonic() > deadline:
                raise ProcessError(
                    f"{self.program.name} was not ready after {self.program.ready_within:.0f} s:\n{logs.tail(self.log)}"
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """SIGTERM to the leader, then, after its grace, SIGKILL to the whole group."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(self.program.stop_within)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole group, now."""
        self._sweep()
        self._child.wait()

    def _sweep(self) -> None:
        # Once only: after that the kernel may give the number of the group to somebody else.
        with self._reaping:
            if not self._swept:
                self._swept = True
                with suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                self._forget(self.pid)


class Supervisor:
    """Starts programs, keeps their logs short, and ends them with itself (a keeper process sees to kill -9)."""

    def __init__(self, log_directory: Path) -> None:
        self.log_directory = log_directory
        log_directory.mkdir(parents=True, exist_ok=True)
        self.processes: dict[str, Process] = {}
        self._closing = threading.Event()
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__], stdin=subprocess.PIPE, start_new_session=True
        )
        self._telling = threading.Lock()
        threading.Thread(target=self._mind_logs, daemon=True, name="stack-logs").start()

    def start(self, program: Program) -> Process:
        """Start *program* (ending an older one of its name) and return it once it is ready."""
        self.stop(program.name)
        started = time.monotonic()
        log = self.log_directory / f"{program.name}.log"
        logs.shorten(log)
        process = Process(program, log, lambda group: self._tell(f"-{group}\n"))
        self._tell(f"+{process.pid}\n")
        self.processes[program.name] = process
        try:
            process.wait_ready()
        except BaseException:
            process.kill()
            del self.processes[program.name]
            say(program.name, f"did not start, see {log}", "!")
            raise
        say(program.name, f"ready after {time.monotonic() - started:.1f} s (pid {process.pid})", "+")
        return process

    def stop(self, name: str) -> None:
        """Stop one program politely; nothing happens if it does not run."""
        process = self.processes.pop(name, None)
        if process is not None:
            process.stop()
            say(name, "stopped", "-")

    def kill(self, name: str) -> None:
        """End one program and everything it started with SIGKILL."""
        process = self.processes.pop(name, None)
        if process is not None:
            process.kill()
            say(name, "killed", "!")

    def ended(self) -> list[Process]:
        """The programs that ended by themselves."""
        return [process for process in list(self.processes.values()) if not process.alive]

    def close(self) -> None:
        """Stop everything, the newest first."""
        for name in reversed(list(self.processes)):
            self.stop(name)
        self._closing.set()
        with suppress(BrokenPipeError):
            self._keeper.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, line: str) -> None:
        assert self._keeper.stdin is not None
        with self._telling:
            self._keeper.stdin.write(line.encode())
            self._keeper.stdin.flush()

    def _mind_logs(self) -> None:
        while not self._closing.wait(LOG_CHECK_EVERY):
            for process in list(self.processes.values()):
                logs.shorten(process.log)
