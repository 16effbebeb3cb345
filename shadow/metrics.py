"""What the shadow counts, for Prometheus (design.md section 11)."""

from __future__ import annotations

from prometheus_client import Counter

MIRRORED = Counter("cutover_mirror_total", "Mirrored requests by verdict.", ["verdict"])
SKIPPED = Counter("cutover_mirror_skipped_total", "Requests that were not mirrored, by reason.", ["reason"])
NOT_COMPARED = Counter(
    "cutover_mirror_not_compared_total", "Mirrored requests without a comparison, by reason.", ["reason"]
)
LEDGER_FAILURES = Counter("cutover_ledger_failures_total", "Tries to write judgements that failed; they are repeated.")
LEDGER_DROPPED = Counter("cutover_ledger_dropped_total", "Sums of judgements that could not be kept until written.")
