"""Judgements added up in memory, in bounded space, until they can be written."""

from __future__ import annotations

from dataclasses import dataclass, field

from shadow.compare.summary import Example, GroupKey, Judged, Proposal
from shadow.compare.walk import Forgiven

MOST_KEYS = 5_000
"""Different sums of one kind that are kept; judgements beyond are counted as dropped."""

Sums = dict[tuple[int, str, str, str], int]  # (minute, route, verdict, reason)


@dataclass(slots=True)
class PendingGroup:
    """What was seen of one group."""

    key: GroupKey
    count: int
    first: float
    last: float
    examples: list[Example] = field(default_factory=list)


@dataclass(slots=True)
class PendingNoise:
    """How often a proposal was made."""

    proposal: Proposal
    count: int
    first: float
    last: float


@dataclass(slots=True)
class Pending:
    """Sums of judgements. Adding is O(what the judgement holds)."""

    most_examples: int
    counts: Sums = field(default_factory=dict)
    groups: dict[str, PendingGroup] = field(default_factory=dict)
    noise: dict[tuple[str, str], PendingNoise] = field(default_factory=dict)
    rules: dict[tuple[str, str], int] = field(default_factory=dict)  # (route, rule)
    forgiven: dict[tuple[str, Forgiven], float] = field(default_factory=dict)  # (route, what) and when last
    dropped: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added."""
        return not (self.counts or self.groups or self.noise)

    def add(self, judged: Judged) -> None:
        """Add one judgement."""
        self._count((int(judged.at // 60) * 60, judged.route, judged.verdict.value, judged.reason), 1)
        for entry in judged.forgiven:
            self._forgive((judged.route, entry), judged.at)
        for rule in {entry.rule for entry in judged.forgiven}:
            self.rules[judged.route, rule] = self.rules.get((judged.route, rule), 0) + 1
        for mismatch in judged.mismatches:
            examples = [mismatch.example] if mismatch.example else []
            self._group(PendingGroup(mismatch.key, 1, judged.at, judged.at, examples))
        for proposal in judged.noise:
            self._noise(PendingNoise(proposal, 1, judged.at, judged.at))

    def put_back(self, older: Pending) -> None:
        """Take in what could not be written; it was added before everything that is here."""
        newer_groups, self.groups = self.groups, {}
        for group in (*older.groups.values(), *newer_groups.values()):
            self._group(group)
        for key, count in older.counts.items():
            self._count(key, count)
        for noise in older.noise.values():
            self._noise(noise)
        for use, count in older.rules.items():
            self.rules[use] = self.rules.get(use, 0) + count
        for forgiven, at in older.forgiven.items():
            self._forgive(forgiven, at)
        self.dropped += older.dropped

    def _count(self, key: tuple[int, str, str, str], count: int) -> None:
        if key in self.counts or len(self.counts) < MOST_KEYS:
            self.counts[key] = self.counts.get(key, 0) + count
        else:
            self.dropped += count

    def _forgive(self, key: tuple[str, Forgiven], at: float) -> None:
        if key in self.forgiven or len(self.forgiven) < MOST_KEYS:
            self.forgiven[key] = max(at, self.forgiven.get(key, at))

    def _group(self, group: PendingGroup) -> None:
        known = self.groups.get(group.key.id)
        if known is None and len(self.groups) >= MOST_KEYS:
            self.dropped += group.count
        elif known is None:
            self.groups[group.key.id] = group
        else:
            known.count += group.count
            known.first, known.last = min(known.first, group.first), max(known.last, group.last)
            known.examples = (known.examples + group.examples)[: self.most_examples]

    def _noise(self, noise: PendingNoise) -> None:
        key = (noise.proposal.route, noise.proposal.pattern)
        known = self.noise.get(key)
        if known is None and len(self.noise) >= MOST_KEYS:
            self.dropped += noise.count
        elif known is None:
            self.noise[key] = noise
        else:
            known.proposal = noise.proposal
            known.count += noise.count
            known.first, known.last = min(known.first, noise.first), max(known.last, noise.last)


def stands_for(entry: Forgiven, key: GroupKey) -> bool:
    """Whether what a rule allowed is what a group is about."""
    if key.pattern == entry.pattern:
        return entry.below or key.kind is entry.kind
    return entry.below and key.pattern.startswith((f"{entry.pattern}.", f"{entry.pattern}["))
