"""What an edge counts: for Prometheus, for the guard, and for its own sign of life."""

from __future__ import annotations

from collections import Counter, deque

from proxy import metrics
from proxy.edge.forwarding import Answered
from proxy.edge.routing import Decision
from proxy.release.reporting import Reporter
from proxy.state import ControlState
from proxy.store import Beat
from shadow.connection import UpstreamError

_MINUTE = 60  # seconds of weighted reads that a beat tells of


class Tally:
    """The counts of one edge process. Everything here is a few dictionary look-ups: it is called for every request."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._answered: deque[Counter[str]] = deque([Counter()], maxlen=_MINUTE)
        self._held: deque[Counter[str]] = deque([Counter()], maxlen=_MINUTE)
        self.unjournaled = 0
        """Writes under way past the journal; whoever forwards one counts it in and out."""

    def decided(self, decision: Decision, state: ControlState) -> None:
        """A decision was made; reads that the weight divides count towards the effective weight."""
        if decision.held_home is not None:
            self._held[-1][decision.held_home] += 1
            metrics.HELD_HOME.labels(decision.held_home).inc()
        if (state.share or state.route_shares) and decision.client is not None and decision.route.kind == "read":
            self._answered[-1][decision.backend] += 1

    def answered(self, served: str, decision: Decision, answered: Answered, seconds: float) -> None:
        """A request has ended. A client that left says nothing about the backend."""
        if answered.upgraded:
            metrics.upgraded(served, decision.route.name)
            return
        metrics.answered(served, decision.route.name, decision.route.kind.value, answered.status, seconds)
        if not answered.own and not answered.client_gone and answered.error is None:
            self._reporter.record(served, decision.route.name, answered.status >= 500, seconds)

    def failed(self, name: str, decision: Decision, error: UpstreamError) -> None:
        """A backend gave no whole answer, whatever the client got instead."""
        metrics.UPSTREAM_FAULTS.labels(name, error.fault.name.lower()).inc()
        self._reporter.record(name, decision.route.name, True, 0.0)

    def refused(self, status: int) -> None:
        """The edge refused a request before any backend was chosen."""
        metrics.REFUSED.labels(str(status)).inc()

    def beat(self, edge: str, version: int) -> Beat:
        """The sign of life for the last second; call it once a second."""
        beat = Beat(edge, version, _sum(self._answered), _sum(self._held), self.unjournaled)
        self._answered.append(Counter())
        self._held.append(Counter())
        return beat


def _sum(counters: deque[Counter[str]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return dict(total)
