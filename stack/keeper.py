"""Ends every process group it was told of once its supervisor is gone, however that one died.

Run as a script, with nothing but the standard library. Its standard input is a pipe whose only writer is the
supervisor: a line ``+123`` adds a process group, ``-123`` forgets one, the end of the input is the supervisor's death.
"""

import os
import signal
import sys
import time
from contextlib import suppress

GRACE = 3.0


def alive(group: int) -> bool:
    """Whether the process group still has a member."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def send(groups: set[int], signum: int) -> None:
    """Signal every group that is still there."""
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signum)


def main() -> None:
    """Listen until the supervisor is gone, then end what it left behind."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line.startswith("+") else groups.discard)(int(line[1:]))
    send(groups, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline and any(map(alive, groups)):
        time.sleep(0.05)
    send(groups, signal.SIGKILL)


if __name__ == "__main__":
    main()
