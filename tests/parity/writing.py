"""The proof for writes: the same hands on both backends, whose rows were equal before and must be so after."""

from __future__ import annotations

from collections.abc import Iterable

from stack.cast import Cast
from stack.request import Request
from tests.parity.errands import Errand, mistakes, unserved
from tests.parity.stage import SECRET, Pair
from tests.parity.twins import Tally, Twins


async def done(both: Pair, errands: Iterable[Errand], *, share: int = 1) -> Tally:
    """Make every *share*-th mistake there is, then run the errands; what came of it."""
    async with Twins(both) as twins:
        casts = Cast(SECRET), Cast(SECRET)
        await twins.ask(list(zip(*(_wrong(cast) for cast in casts), strict=True))[::share])
        for errand in errands:
            await twins.walk(errand.name, *(errand.of(cast) for cast in casts))
        return twins.tally


def _wrong(cast: Cast) -> list[Request]:
    return [*mistakes(cast), *unserved()]
