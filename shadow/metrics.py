"""What the shadow counts, for Prometheus (design.md section 11)."""

from __future__ import annotations

import os

from prometheus_client import Counter, values

if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    # By default every count asks the kernel for the process id, in case of a fork. Ours are spawned and never fork;
    # the question costs more than the count.
    _OURS = os.getpid()
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: _OURS)  # type: ignore[no-untyped-call]

MIRRORED = Counter("cutover_mirror_total", "Mirrored requests by verdict.", ["verdict"])
SKIPPED = Counter("cutover_mirror_skipped_total", "Requests that were not mirrored, by reason.", ["reason"])
NOT_COMPARED = Counter(
    "cutover_mirror_not_compared_total", "Mirrored requests without a comparison, by reason.", ["reason"]
)
LEDGER_FAILURES = Counter("cutover_ledger_failures_total", "Tries to write judgements that failed; they are repeated.")
LEDGER_DROPPED = Counter("cutover_ledger_dropped_total", "Sums of judgements that could not be kept until written.")

APPENDED = Counter("cutover_journal_appends_total", "Answers to writes that asked for admission.", ["answer"])
REPLAYED = Counter("cutover_replayed_total", "What became of copies of writes.", ["verdict", "route"])
HEALS = Counter("cutover_heals_total", "Tries to carry the rows of lanes instead of writes.", ["result"])
