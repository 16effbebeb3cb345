"""What the shadow counts, for Prometheus (design.md section 11)."""

from __future__ import annotations

from prometheus_client import Counter

MIRRORED = Counter("cutover_mirror_total", "Mirrored requests by verdict.", ["verdict"])
SKIPPED = Counter("cutover_mirror_skipped_total", "Requests that were not mirrored, by reason.", ["reason"])
