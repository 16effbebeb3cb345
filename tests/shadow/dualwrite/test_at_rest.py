"""What the journal keeps is sealed, forgotten in time, and replayed in nobody's stolen name."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow import signature
from shadow.dualwrite.admission import Settlement
from shadow.dualwrite.copies import Copy, CopySender, copy_of
from shadow.dualwrite.entry import Request, State
from shadow.dualwrite.minting import Hs256Minter
from shadow.dualwrite.pinning import Pins
from shadow.dualwrite.sealing import Keyring, MissingKey, Unsealable
from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.testing import InMemoryJournal, an_intent, done
from shadow.sender import Target
from tests.contracts.journals import KEYS, NOW, ROOM, change, control_row


@pytest.mark.property_test
@given(st.binary(max_size=200), st.text(max_size=20).filter(str.isascii))
def test_what_is_sealed_opens_only_in_its_place(plain: bytes, place: str) -> None:
    sealed = KEYS.seal(plain, place)
    assert KEYS.open(sealed, place, "k1") == plain
    with pytest.raises(Unsealable):
        KEYS.open(sealed, place + "x", "k1")
    with pytest.raises(MissingKey):
        KEYS.open(sealed, place, "k2")


async def test_no_secret_is_at_rest_in_clear_and_a_missing_key_stops_the_start(
    fresh_database: Callable[[], str],
) -> None:
    url = fresh_database()
    control_row(url)
    async with await ReplayJournal.open(url, KEYS) as journal:
        secret = Request("POST", b"/x?token=s3cret", b"h", ((b"authorization", b"Bearer s3cret"),), b"s3cret")
        await journal.append([an_intent("i-1", "a", request=secret, actor='{"name": "s3cret"}')], NOW)
        await journal.outcomes([done("i-1")])
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT t::text, t.request FROM cutover.journal_entry t").fetchall()
    assert all("s3cret" not in text and b"s3cret" not in bytes(request) for text, request in rows)
    with pytest.raises(MissingKey, match="k1"):
        await ReplayJournal.open(url, Keyring({"k2": b"2" * 32}, "k2"))
    async with await ReplayJournal.open(url, Keyring({"k2": b"2" * 32, "k1": b"1" * 32}, "k2")) as journal:
        (entry,) = await journal.entries([1])
        assert entry.request == secret


async def test_bodies_are_forgotten_once_settled_and_a_person_on_request(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    control_row(url)
    async with await ReplayJournal.open(url, KEYS) as journal:
        for id, lane in (("i-1", "a"), ("i-2", "b"), ("i-3", "c")):
            await journal.append([an_intent(id, lane, client="alice")], NOW)
            await journal.outcomes([done(id)])
        await journal.lead("me", 0, 60)
        await journal.turn(1, [], ROOM)
        await journal.settle(1, [Settlement(1, State.APPLIED, answer=done("x").answer, id="i-1")])
        await journal.purge(3600)
        assert (await journal.entries([1]))[0].request is not None
        change(url, "UPDATE cutover.journal_entry SET settled_at = settled_at - interval '2 hours' WHERE number = 1")
        await journal.purge(3600)
        assert [entry.request is None for entry in await journal.entries([1, 2])] == [True, False]
        assert await journal.erase("alice") == (1, 2)
        assert [entry.client for entry in await journal.entries([1, 2])] == [None, "alice"]


def fields(sender: CopySender, copy: Copy, target: Target) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in sender._fields(copy, target)}


async def test_a_copy_is_signed_pinned_and_in_the_name_of_its_actor() -> None:
    journal = InMemoryJournal()
    request = Request(
        "POST", b"/x?a=1", b"h", ((b"authorization", b"Bearer theirs"), (b"cookie", b"c"), (b"a", b"b")), b"{}"
    )
    await journal.append([an_intent("i-1", "a", request=request)], NOW)
    (entry,) = await journal.entries([1])
    target = Target("new", "http://new", cooperates=True)
    token = Hs256Minter({"new": b"key"}).mint({"id": 3, "exp": 5}, target, NOW)
    copy = copy_of(entry, target, pins=Pins({"things": (57,)}), authorization=token)
    sender = CopySender(timeout=1, body_limit=1, connections=1, secret="s")
    headers = fields(sender, copy, target)
    assert (headers["Idempotency-Key"], headers["X-Cutover-Copy"], headers["a"]) == ("i-1", "replay", "b")
    assert "cookie" not in headers and "theirs" not in str(headers)
    assert orjson.loads(headers["X-Cutover-Pin"]) == {"ids": {"things": [57]}}
    written = headers["X-Cutover-Signature"]
    pin = headers["X-Cutover-Pin"].encode()
    signed: Any = {"purpose": "replay", "method": "POST", "target": b"/x?a=1", "body": b"{}", "pin": pin}
    at = float(written[2 : written.index(",")])
    assert signature.verify(b"s", written, now=at, **signed) == "i-1"
    for altered in ({"pin": b'{"ids": {"things": [58]}}'}, {"pin": b""}, {"purpose": "mirror"}):
        assert signature.verify(b"s", written, now=at, **signed | altered) is None
    plain = fields(sender, copy_of(entry, replace(target, cooperates=False)), replace(target, cooperates=False))
    assert not {name for name in plain if name.lower().startswith(("x-cutover", "idempotency", "authorization"))}


def test_a_minted_token_lives_shortly_and_carries_the_claims() -> None:
    minter = Hs256Minter({"new": b"key"})
    target = Target("new", "http://new")
    token = (minter.mint({"id": 3, "role": "staff", "exp": 5}, target, 100.5) or "").removeprefix("Bearer ")
    head, claims, code = (part.encode() for part in token.split("."))
    assert orjson.loads(urlsafe_b64decode(claims + b"==")) == {"id": 3, "role": "staff", "iat": 100, "exp": 160}
    expected = hmac.new(b"key", head + b"." + claims, hashlib.sha256).digest()
    assert urlsafe_b64decode(code + b"==") == expected
    assert minter.mint(None, target, 0) is None
