"""The journal in PostgreSQL as the replayer, the resolver and heal use it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from shadow.dualwrite.admission import NEWEST, Flip, Orphan, Room, Settlement
from shadow.dualwrite.entry import Entry
from shadow.dualwrite.journal import PostgresJournal, as_json, entry_of, storable
from shadow.dualwrite.ordering import conflict
from shadow.dualwrite.sealing import Keyring
from shadow.dualwrite.session import PRESENCE


@dataclass(frozen=True, slots=True)
class HealAsked:
    """A person wants the rows of these lanes carried from one backend to the other."""

    id: int
    lanes: tuple[str, ...]
    origin: str
    target: str


class ReplayJournal(PostgresJournal):
    """See `admission.Replays` and `admission.Flips` for what its methods promise."""

    @classmethod
    async def open(cls, url: str, keyring: Keyring, purpose: str = "replayer", presence: int = 0) -> Self:
        return await super().open(url, keyring, purpose, presence)

    async def lead(self, holder: str, term: int, lease: float) -> int | None:
        told = {"holder": holder, "term": term, "lease": lease}
        _, rows = await self._session.run_all(("lock_replayer", {}), ("lead", told))
        return rows[0][0] if rows else None

    async def step_down(self, holder: str, term: int) -> None:
        await self._session.run("step_down", holder=holder, term=term)

    async def turn(self, term: int, settlements: Sequence[Settlement], room: Room) -> tuple[list[bool], list[Entry]]:
        asked: list[tuple[str, Mapping[str, Any]]] = [("claim", {"term": term, **asdict(room)})]
        if settlements:
            asked.insert(0, ("settle", self._told(term, settlements)))
        *heard, claimed = await self._session.run_all(*asked)
        return [noted == "noted" for rows in heard for _, noted in rows], [
            entry_of(row, self._keyring) for row in claimed
        ]

    async def settle(self, term: int, settlements: Sequence[Settlement]) -> list[bool]:
        rows = await self._session.run("settle", **self._told(term, settlements))
        return [noted == "noted" for _, noted in rows]

    def _told(self, term: int, settlements: Sequence[Settlement]) -> dict[str, Any]:
        batch = [
            {"number": s.number, "act": str(s.act), "reason": storable(s.reason), "retry_at": s.retry_at,
             "ended": s.ended, "sealed_with": self._keyring.current if s.answer else None}
            for s in settlements
        ]  # fmt: skip
        answers = [self._sealed_answer(s.answer, "standby", s.id) for s in settlements]
        return {"term": term, "batch": as_json(batch), "answers": answers}

    async def orphans(self, term: int) -> list[Orphan]:
        return [Orphan(*row) for row in await self._session.run("orphans", term=term)]

    async def adopt(self, term: int, number: int, deadline: float, under_way: Sequence[int]) -> bool:
        told = {"term": term, "number": number, "deadline": deadline, "under_way": list(under_way)}
        _, adopted = await self._session.run_all(("share_replayer", {}), ("adopt", told))
        return bool(adopted)

    async def let_go(self, term: int, number: int, now: float) -> None:
        await self._session.run("let_go", term=term, number=number, now=now)

    async def only_rows(self, numbers: Sequence[int], now: float, by_id: Sequence[str] = ()) -> list[int]:
        told = {"numbers": list(numbers), "now": now, "by_id": list(by_id)}
        _, _, marked = await self._session.run_all(("lock_replayer", {}), ("lock_position", {}), ("only_rows", told))
        return [number for (number,) in marked]

    async def explain(self, number: int, why: str) -> None:
        await self._session.run("explain", number=number, reason=storable(why))

    async def closed(self, numbers: Sequence[int]) -> None:
        await self._session.run("closed", numbers=list(numbers))

    async def open_entries(self, up_to: int = NEWEST, most: int = NEWEST) -> list[Entry]:
        return [entry_of(row) for row in await self._session.run("open_entries", up_to=up_to, most=most)]

    async def open_in(self, lanes: Sequence[str]) -> list[Entry]:
        found = [entry_of(row) for row in await self._session.run("open_in", lanes=list(lanes))]
        return [entry for entry in found if conflict(entry.lanes, lanes)]

    async def unknown_entries(self) -> list[Entry]:
        return [entry_of(row) for row in await self._session.run("unknown_entries")]

    async def entries(self, numbers: Sequence[int]) -> list[Entry]:
        if not numbers:
            return []
        return [entry_of(row, self._keyring) for row in await self._session.run("entries", numbers=list(numbers))]

    async def park(self, number: int, reason: str) -> None:
        await self._session.run("park", number=number, reason=storable(reason))

    async def expire(self, before: float) -> None:
        await self._session.run("expire", before=before)

    async def absent(self, before: float) -> set[int]:
        rows = await self._session.run("absent", before=before, presence=PRESENCE)
        return {writer for (writer,) in rows}

    async def bereave(self, writers: Collection[int], before: float) -> None:
        told = {"writers": list(writers), "before": before, "presence": PRESENCE}
        await self._session.run_all(("lock_position", {}), ("bereave", told))

    async def hold(self, id: str, lanes: Sequence[str], seconds: float) -> None:
        told = {"id": id, "lanes": list(lanes), "seconds": seconds}
        await self._session.run_all(("lock_replayer", {}), ("hold", told))

    async def renew(self, id: str, lanes: Sequence[str], seconds: float) -> bool:
        told = {"id": id, "lanes": list(lanes), "seconds": seconds}
        _, ((kept,),) = await self._session.run_all(("lock_replayer", {}), ("renew", told))
        return bool(kept)

    async def under_way(self, id: str, now: float, by_id: Sequence[str] = ()) -> list[int]:
        return [number for (number,) in await self._session.run("under_way", id=id, now=now, by_id=list(by_id))]

    async def position(self) -> tuple[int, int]:
        ((number, completion),) = await self._session.run("position")
        return number, completion

    async def heal(self, id: str, lanes: Sequence[str], completion: int) -> list[int] | None:
        ((held, healed),) = await self._session.run("heal", id=id, lanes=list(lanes), completion=completion)
        return list(healed) if held else None

    async def release(self, id: str) -> None:
        await self._session.run("release", id=id)

    # ---- roles

    async def fence(self, seconds: float) -> datetime | None:
        rows = await self._session.run("fence", seconds=seconds)
        return rows[0][0] if rows else None

    async def lift(self, fence: object) -> bool:
        return bool(await self._session.run("lift", fence=fence))

    async def flip(self, epoch: int, fence: object) -> Flip:
        ((answer,),) = await self._session.run("flip", epoch=epoch, fence=fence)
        return Flip(answer)

    # ---- what a person asked the leader for

    async def heals_asked(self) -> list[HealAsked]:
        """Heals that wait for the leader, oldest first."""
        return [HealAsked(id, tuple(lanes), *sides) for id, lanes, *sides in await self._session.run("heals_asked")]

    async def answer_heal(self, id: int, answer: str, healed: Sequence[int] = ()) -> None:
        """Say what became of one: an empty answer is a success."""
        await self._session.run("answer_heal", id=id, answer=storable(answer), healed=list(healed))
