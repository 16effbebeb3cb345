"""The journal in PostgreSQL (design.md section 4): appends, outcomes, and what a person may do with entries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import orjson

from shadow.answer import Answer
from shadow.dualwrite.admission import Admission, Admitted, Noted, Refused, Repeated, Why
from shadow.dualwrite.entry import Entry, Intent, Outcome, State
from shadow.dualwrite.ordering import minimal
from shadow.dualwrite.sealing import Keyring, answer_as_bytes, answer_of, request_as_bytes, request_of
from shadow.dualwrite.session import JournalSession

_SEALED_AT_ONCE = 1 << 20  # bytes; more is sealed beside the event loop, which has an edge's other requests to see to


class PostgresJournal:
    """See `admission.Appends` for what its methods promise. Bodies and headers are sealed before they leave us."""

    def __init__(self, url: str, keyring: Keyring, purpose: str = "writer", presence: int = 0) -> None:
        self._presence = presence
        self._session = JournalSession(url, purpose, presence=presence)
        self._keyring = keyring
        self._beside = ThreadPoolExecutor(1, "sealing")  # one of its own: no slow disk is waited for

    @classmethod
    async def open(cls, url: str, keyring: Keyring, purpose: str = "writer", presence: int = 0) -> Self:
        """A journal with all its tables; for `presence` see `JournalSession`. Raises MissingKey if it holds what cannot
        be read, JournalUnavailable."""
        journal = cls(url, keyring, purpose, presence)
        try:
            await journal._session.prepare()
            keyring.check([key for (key,) in await journal._session.run("keys_used")])
        except BaseException:
            await journal.close()
            raise
        return journal

    async def close(self) -> None:
        """End the connection."""
        self._beside.shutdown(wait=False)
        await self._session.close()

    async def stay(self) -> None:
        await self._session.connect()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # ---- writes

    async def commit(
        self, outcomes: Sequence[Outcome], intents: Sequence[Intent], now: float
    ) -> tuple[list[Noted], list[Admission]]:
        if _size(outcomes, intents) > _SEALED_AT_ONCE:
            loop = asyncio.get_running_loop()
            asked = await loop.run_in_executor(self._beside, self._asked, outcomes, intents, now)
        else:
            asked = self._asked(outcomes, intents, now)
        rows = dict(zip((name for name, _ in asked), await self._session.run_all(*asked), strict=True))
        admitted = rows.get("append", [])
        repeated = await self._recorded([row[2] for row in admitted if row[1] == "repeated"])
        return [Noted(what) for _, what in rows.get("outcomes", [])], [_admission(row, repeated) for row in admitted]

    async def append(self, intents: Sequence[Intent], now: float) -> list[Admission]:
        """Admit intents alone."""
        return (await self.commit([], intents, now))[1]

    async def outcomes(self, outcomes: Sequence[Outcome]) -> list[Noted]:
        """Make outcomes durable, and nothing else."""
        return (await self.commit(outcomes, [], 0.0))[0]

    def _asked(
        self, outcomes: Sequence[Outcome], intents: Sequence[Intent], now: float
    ) -> list[tuple[str, Mapping[str, Any]]]:
        asked: list[tuple[str, Mapping[str, Any]]] = []
        if outcomes and intents:
            asked.append(("lock", {}))
        if outcomes:
            asked.append(("outcomes", self._told_outcomes(outcomes)))
        if intents:
            asked.append(("append", self._asked_intents(intents) | {"now": now}))
        return asked

    def _asked_intents(self, intents: Sequence[Intent]) -> dict[str, Any]:
        batch = as_json([described(intent, self._keyring.current, self._presence) for intent in intents])
        return {"batch": batch, "requests": [self._sealed_request(intent) for intent in intents]}

    def _told_outcomes(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        batch = [
            {"id": o.id, "state": o.state.value, "reason": storable(o.reason), "ended": o.ended,
             "sealed_with": self._keyring.current if o.answer else None}
            for o in outcomes
        ]  # fmt: skip
        return {"batch": as_json(batch), "answers": [self._sealed_answer(o.answer, "answer", o.id) for o in outcomes]}

    async def forget_waiting(self, ids: Sequence[str], now: float) -> None:
        await self._session.run("forget_waiting", ids=list(ids), now=now)

    async def tail(self) -> Mapping[str, int]:
        return {client: number for client, number in await self._session.run("tail")}

    # ---- a person's verbs

    async def retry(self, number: int) -> bool:
        """Try a parked entry again; False if it is not parked, or a copy of it may have landed."""
        return bool(await self._session.run("retry", number=number))

    async def skip(self, number: int, reason: str) -> bool:
        """Let the standby do without a parked, diverged or abandoned entry; False if it is none."""
        return bool(await self._session.run("skip", number=number, reason=storable(reason)))

    async def abandon(self, reason: str) -> list[int]:
        """The active side is lost: what is undecided never gets a success. Their numbers."""
        return [number for (number,) in await self._session.run("abandon", reason=storable(reason))]

    async def listed(self, most: int = 100) -> list[Entry]:
        """What a person has to look at: diverged, parked and abandoned entries."""
        return [entry_of(row) for row in await self._session.run("listed_entries", most=most)]

    async def differed(self, most: int = 100) -> dict[int, str]:
        """The newest entries whose answers differed, and how, though their rows were carried since."""
        return dict(await self._session.run("differed_entries", most=most))

    async def counts(self) -> dict[State, tuple[int, float]]:
        """How many entries are in a state that is no end in itself, with the arrival of the oldest."""
        return {State(state): (count, oldest) for state, count, oldest in await self._session.run("counts")}

    async def purge(self, older_than: float) -> None:
        """Forget the bodies of what was settled more than `older_than` seconds ago, and of nothing else."""
        await self._session.run("purge", older_than=older_than)

    async def erase(self, client: str) -> tuple[int, int]:
        """Forget one person's data: (entries erased, entries that are not settled and so still needed)."""
        ((erased, kept),) = await self._session.run("erase", client=client)
        return erased, kept

    # ---- sealing

    def _sealed_request(self, intent: Intent) -> bytes:
        return self._keyring.seal(request_as_bytes(intent.request, intent.actor), f"request {intent.id}")

    def _sealed_answer(self, answer: Answer | None, kind: str, id: str) -> bytes | None:
        return None if answer is None else self._keyring.seal(answer_as_bytes(answer), f"{kind} {id}")

    async def _recorded(self, numbers: list[int]) -> dict[int, Answer]:
        if not numbers:
            return {}
        rows = await self._session.run("recorded_answers", numbers=numbers)
        return {
            number: answer_of(self._keyring.open(bytes(sealed), f"answer {id}", key))
            for number, id, sealed, key in rows
            if sealed is not None  # it may have been purged in between
        }


def described(intent: Intent, sealed_with: str, appended_by: int) -> dict[str, Any]:
    """An intent as the statement takes it; its request travels beside, sealed under this key. `appended_by`: see the
    statement `absent`."""
    return {
        "id": intent.id,
        "epoch": intent.epoch,
        "at": intent.at,
        "forward_by": intent.forward_by,
        "route": storable(intent.route),
        "lanes": list(minimal(storable(lane) for lane in intent.lanes)),
        "client": None if intent.client is None else storable(intent.client),
        "key": None if intent.key is None else storable(intent.key),
        "fingerprint": intent.fingerprint,
        "sequence": intent.sequence,
        "wait_until": intent.wait_until,
        "sealed_with": sealed_with,
        "appended_by": appended_by,
    }


def _size(outcomes: Sequence[Outcome], intents: Sequence[Intent]) -> int:
    """Of what has to be sealed, all but exactly."""
    bodies = sum(len(intent.request.body) for intent in intents)
    return bodies + sum(len(told.answer.body) for told in outcomes if told.answer is not None)


def _admission(row: tuple[Any, ...], repeated: Mapping[int, Answer]) -> Admission:
    _, answer, number, after, epoch = row
    if answer == "admitted":
        return Admitted(number, after)
    if answer == "repeated":
        return Repeated(number, repeated[number]) if number in repeated else Refused(Why.KEY_RUNNING, epoch)
    return Refused(Why(answer), epoch)


def entry_of(row: tuple[Any, ...], keyring: Keyring | None = None) -> Entry:
    """An entry from a row of `open_entries` or, with the keyring, of `entries`."""
    (number, id, epoch, origin, target, route, lanes, at, forward_by, after, completion, horizon, state, ended,
     uncertain, unanswered, attempts, sequence, client, reason, *sealed) = row  # fmt: skip
    request, actor, answer, copied, differed = None, None, None, False, ""
    if keyring is not None:
        sealed_with, sealed_request, answer_with, sealed_answer, copied, differed = sealed
        if sealed_request is not None:
            request, actor = request_of(keyring.open(bytes(sealed_request), f"request {id}", sealed_with))
        if sealed_answer is not None:
            answer = answer_of(keyring.open(bytes(sealed_answer), f"answer {id}", answer_with))
    return Entry(
        number, id, epoch, origin, target, route, tuple(lanes), at, forward_by, after, State(state), completion,
        horizon, ended, uncertain, unanswered, attempts, sequence, client, actor, reason, request, answer, copied,
        differed,
    )  # fmt: skip


def as_json(batch: Sequence[Mapping[str, Any]]) -> str:
    """A batch for one statement."""
    return orjson.dumps(batch).decode()


def storable(text: str) -> str:
    """PostgreSQL stores no NUL, and UTF-8 has no lone surrogates."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
