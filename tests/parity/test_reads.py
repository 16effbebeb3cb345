"""Every read of the contract through the edge, by everybody, with good and bad input: no answer differs unexplained."""

from __future__ import annotations

import asyncio
from itertools import chain, islice
from random import Random

import pytest

from stack.cast import Cast
from stack.operations import OPERATIONS
from tests.parity.reads import endless, every
from tests.parity.shapes import SHAPES
from tests.parity.stage import Stage
from tests.parity.through import Routes, findings, judged, send, told

SEED = 20260301
UNMIRRORED = {"GET /uploads/{name}", "GET reports/{id}", "GET reports/{id}/download"}


def test_every_read_of_the_contract_has_a_shape_or_is_not_mirrored() -> None:
    reads = {name for name in OPERATIONS if name.startswith("GET ")}
    assert set(SHAPES) == reads - UNMIRRORED


def test_what_is_sent_follows_from_the_seed(cast: Cast) -> None:
    first, again, other = (
        [(one.path, one.client and one.client.user_id) for one in islice(endless(cast, Random(seed)), 200)]
        for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.timeout(180)
def test_every_read_by_everybody_with_good_and_bad_input_is_answered_alike(shadowed: Stage, cast: Cast) -> None:
    before, rng, routes = findings(shadowed), Random(SEED), Routes()
    requests = list(chain(every(cast, rng), islice(endless(cast, rng), 100)))
    assert all(routes.mirrors(request) for request in requests)
    sent = asyncio.run(send(shadowed.edge.url, requests))
    assert sent.unanswered == []
    after = judged(shadowed, before.verdicts.total() + sent.mirrored)
    assert after.since(before) == [], told(shadowed, after.since(before))
    verdicts = after.verdicts - before.verdicts
    assert set(verdicts) == {"matched", "ignored"}, after.reasons
    assert verdicts.total() == len(requests)
    assert set(sent.operations) >= set(SHAPES) | {"POST auth/login"}
    assert {200, 400, 401, 403, 404, 500} <= set(sent.statuses)
