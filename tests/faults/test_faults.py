"""The short form of `make faults`, in both directions; and what no fault is needed for: conflicts, and rubbish."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp
import pytest

from stack.cast import Cast
from tests.faults.__main__ import begin
from tests.faults.mishaps import Mishap, killed, wired
from tests.faults.rounds import play
from tests.faults.stage import ROLES, Stage, stage, wait_until
from tests.faults.wire import Mood
from tests.parity.stage import SECRET

pytestmark = pytest.mark.timeout(300)
SECONDS = 4.0
TOGETHER: tuple[tuple[Mishap, ...], ...] = (
    (),
    (killed("edge"), killed("journal")),
    (killed("replayer"), wired("django", Mood.DROPS)),
    (killed("django"), wired("node", Mood.DROPS)),
    (killed("store"),),
)


@pytest.fixture(scope="module", params=[("node", 2), ("django", 1)], ids=["node, two edges", "django, one edge"])
def on(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Everything, with this side active and so many edges."""
    active, edges = request.param
    with stage(tmp_path_factory.mktemp(f"faults-{active}"), active, seed=7, edges=edges) as running:
        asyncio.run(begin(running))
        yield running


@pytest.mark.parametrize("mishaps", TOGETHER, ids=lambda chosen: " and ".join(m.__name__ for m in chosen) or "nothing")
def test_nothing_is_lost_doubled_or_out_of_order_whatever_is_killed(on: Stage, mishaps: tuple[Mishap, ...]) -> None:
    """I1, I3, I6, I14, L1, and both databases equal at the end (design.md section 9)."""
    names = "+".join(mishap.__name__ for mishap in mishaps)
    played = asyncio.run(play(on, 1, f"ci-{on.active}-{names}", seconds=SECONDS, chosen=mishaps))
    assert not played.broken, played.line()
    assert played.acknowledged


def test_rubbish_holds_up_nobody_and_parks_nothing(on: Stage) -> None:
    """A hundred malformed writes, each a 500 on the legacy, beside writes of others to the same collection."""

    async def hammered() -> tuple[list[int], list[int]]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {_token()}"}
        url = f"{on.edge.url}/api/v1/grading/categories"
        async with aiohttp.ClientSession(headers=headers) as session:

            async def send(body: bytes) -> int:
                async with session.post(url, data=body) as answer:
                    await answer.read()
                    return answer.status

            rubbish = asyncio.gather(*(send(b'{"name": ') for _ in range(100)))
            good = [await send(b'{"name": "rubbish %d %b", "weight": 1}' % (n, _mark(on))) for n in range(5)]
            return await rubbish, good

    # In an earlier round the answer to a malformed write may have got lost, and its rows were carried.
    ((earlier,),) = on.ask("SELECT number FROM cutover.journal_position")
    rubbish, good = asyncio.run(hammered())
    assert set(rubbish) == ({500} if on.active == "node" else {400})
    assert set(good) <= {200, 201}
    count = (
        "SELECT count(*), count(*) FILTER (WHERE state <> 'failed') FROM cutover.journal_entry"
        f" WHERE lanes[1] LIKE 'unreadable/%%' AND number > {earlier}"
    )
    assert on.ask(count) == [(100, 0)]
    assert wait_until(lambda: not on.ask("SELECT FROM cutover.journal_entry WHERE settled_at IS NULL"), 60)


def _token() -> str:
    return Cast(SECRET).admins[0].token


def _mark(on: Stage) -> bytes:
    return on.active.encode()


def test_every_role_of_cutover_runs(on: Stage) -> None:
    """What is killed above is there to be killed."""
    assert all(on.pids(role) for role in ROLES)
    assert len(on.pids("edge")) == on.edges
    assert (on.pids("journal") == on.pids("edge")) == (on.edges == 1)
