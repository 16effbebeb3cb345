"""Stand-ins for tests, shipped and kept honest by running the contract tests over them and the real ones alike."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from shadow.answer import Answer, AskFailed
from shadow.compare.pending import Pending, PendingGroup, stands_for
from shadow.compare.reports import Group, GroupDetail, GroupStatus, NoiseReport, RouteTotals, totalled
from shadow.compare.summary import Judged
from shadow.exchange import Exchange
from shadow.sender import Target
from shadow.settings import CompareSettings


class TurnedClock:
    """A clock that moves only when told to."""

    def __init__(self, now: float = 1_770_000_000.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def turn(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds


class ScriptedSender:
    """Answers by a script: for each backend a list of answers or failures, of which the last one is repeated."""

    def __init__(self, script: Mapping[str, Sequence[Answer | AskFailed]], seconds: float = 0.0) -> None:
        self._script = {name: list(answers) for name, answers in script.items()}
        self._seconds = seconds
        self.asked: list[tuple[str, Exchange]] = []
        self.most_at_once = 0
        self._under_way = 0

    async def ask(self, exchange: Exchange, target: Target) -> Answer:
        self.asked.append((target.name, exchange))
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self._under_way -= 1
        answers = self._script[target.name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, AskFailed):
            raise answer
        return answer

    def asked_of(self, name: str) -> int:
        """How often a backend was asked."""
        return sum(asked == name for asked, _ in self.asked)


class InMemoryLedger:
    """A ledger that forgets everything with its process."""

    def __init__(self, settings: CompareSettings | None = None) -> None:
        self._settings = settings or CompareSettings()
        self._kept = Pending(self._settings.examples)
        self.judged: list[Judged] = []

    def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to do."""

    async def flush(self) -> bool:
        """Everything is where it belongs already."""
        return True

    def use(self, settings: CompareSettings) -> None:
        self._settings = settings
        self._kept.most_examples = settings.examples

    def record(self, judged: Judged) -> None:
        self.judged.append(judged)
        self._kept.add(judged)

    def wants_example(self, group: str) -> bool:
        known = self._kept.groups.get(group)
        return known is None or len(known.examples) < self._settings.examples

    async def groups(self, route: str | None = None, limit: int = 50, offset: int = 0) -> list[Group]:
        found = [self._group(id, kept) for id, kept in self._kept.groups.items() if route in (None, kept.key.route)]
        found.sort(key=lambda group: (group.status is not GroupStatus.OPEN, -group.count, group.id))
        return found[offset : offset + limit]

    async def group(self, id: str) -> GroupDetail | None:
        kept = self._kept.groups.get(id)
        if kept is None:
            return None
        examples = sorted(kept.examples, key=lambda example: example.at)
        return GroupDetail(self._group(id, kept), tuple(examples))

    async def totals(self) -> list[RouteTotals]:
        sums = ((route, verdict, reason, n) for (_, route, verdict, reason), n in self._kept.counts.items())
        uses = ((route, rule, n) for (route, rule), n in sorted(self._kept.rules.items()))
        return totalled(sums, uses)

    async def noise(self) -> list[NoiseReport]:
        found = [
            NoiseReport(
                n.proposal.route,
                n.proposal.pattern,
                n.proposal.kind,
                n.proposal.rule,
                n.count,
                _utc(n.first),
                _utc(n.last),
            )
            for n in self._kept.noise.values()
        ]
        return sorted(found, key=lambda report: (-report.count, report.route, report.pattern))

    async def clear(self) -> None:
        self._kept = Pending(self._settings.examples)
        self.judged.clear()

    def _group(self, id: str, kept: PendingGroup) -> Group:
        rule = next(
            (
                entry.rule
                for (route, entry), at in self._kept.forgiven.items()
                if route == kept.key.route and at >= kept.last and stands_for(entry, kept.key)
            ),
            None,
        )
        key, status = kept.key, GroupStatus.IGNORED if rule else GroupStatus.OPEN
        return Group(
            id, key.route, key.pattern, key.kind.value, kept.count, _utc(kept.first), _utc(kept.last), status, rule
        )


def an_exchange(**changes: object) -> Exchange:
    """Alice reads her own record from the active backend `old`; `new` is to be asked for its answer."""
    return replace(_ALICE, **changes)  # type: ignore[arg-type]


def an_answer(body: bytes = b"{}", status: int = 200, media: str = "application/json", **fields: str) -> Answer:
    """An answer; further header fields by name, with underscores for dashes."""
    headers = [(b"content-type", media.encode())] if media else []
    headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return Answer(status, tuple(headers), body)


def answered(exchange: Exchange, answer: Answer) -> Exchange:
    """The exchange with this answer as the one that the client got."""
    return replace(exchange, status=answer.status, answer_headers=answer.headers, answer_body=answer.body)


def targets(urls: Iterable[tuple[str, str]]) -> dict[str, Target]:
    """Backends by name from pairs of name and URL."""
    return {name: Target(name, url) for name, url in urls}


_ALICE = Exchange(
    id="0190a5c0-alice-reads-her-record",
    at=1_770_000_000.0,
    seconds=0.004,
    epoch=1,
    active="old",
    served="old",
    mirrored="new",
    route="GET /api/v1/cadets/{id}",
    kind="read",
    method="GET",
    target=b"/api/v1/cadets/57?full=1",
    host=b"school.example",
    headers=((b"accept", b"application/json"), (b"authorization", b"Bearer eyJhbGciOiJIUzI1NiJ9.eyJpZCI6NTd9.c2ln")),
    body=b"",
    status=200,
    answer_headers=((b"content-type", b"application/json"),),
    answer_body=b'{"id":57,"first_name":"Alice"}',
)


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
