"""Entries of the journal in the states that a person meets them in."""

from __future__ import annotations

import time

from shadow.answer import Answer
from shadow.dualwrite.admission import Admitted, Room, Settlement
from shadow.dualwrite.entry import Outcome, State
from shadow.dualwrite.testing import an_intent
from tests.proxy.deployment import Deployment

JSON = ((b"content-type", b"application/json"), (b"set-cookie", b"session=s3cret"))
CREATED = Answer(201, JSON, b'{"id": 7, "token": "s3cret"}')
REFUSED = Answer(422, JSON, b'{"error": "no such cadet", "password": "s3cret"}')


async def written(deployment: Deployment, id: str, lane: str, state: State = State.DONE, ago: float = 0.0) -> int:
    """A write of client `id:1` that the active side took `ago` seconds ago; its number."""
    now = time.time() - ago
    intent = an_intent(id, lane, at=now, forward_by=now + 5, client="id:1")
    (admitted,) = await deployment.journal.append([intent], now)
    assert isinstance(admitted, Admitted)
    await deployment.journal.outcomes([Outcome(id, state, CREATED if state is State.DONE else None, ended=True)])
    return admitted.number


async def settled(deployment: Deployment, id: str, lane: str, state: State) -> int:
    """A write whose copy ended like this; its number."""
    number = await written(deployment, id, lane)
    term = await deployment.journal.lead("test", 0, 60) or 1
    now = time.time()
    _, claimed = await deployment.journal.turn(term, [], Room(9, ["new"], [], [], [], now, now + 60))
    assert number in [entry.number for entry in claimed]
    answer = REFUSED if state is State.PARKED else CREATED
    settlement = Settlement(number, state, "for a test", answer=answer, id=id)
    assert await deployment.journal.settle(term, [settlement]) == [True]
    await deployment.journal.step_down("test", term)
    return number
