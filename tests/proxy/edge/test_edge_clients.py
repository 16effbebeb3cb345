"""Who a client is: the first of claim, header, cookie and Authorization that is there."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.model import Sticky
from proxy.edge.clients import client_key, new_cookie, point

STICKY = Sticky(header="X-Client")


def token(claims: Any) -> bytes:
    """An unsigned JSON Web Token."""
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return b"e30." + body + b".sig"


def bearer(claims: Any, scheme: bytes = b"Bearer") -> tuple[bytes, bytes]:
    """The field that carries it."""
    return (b"Authorization", scheme + b" " + token(claims))


COOKIE = (b"Cookie", b"a=1; cutover_client=abc; b=2")
HEADER = (b"x-client", b"  caf\xe9")


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ([bearer({"id": 57}), HEADER, COOKIE], "id:57"),
        ([bearer({"id": "u-1"}, b"bEARER")], "id:u-1"),
        ([HEADER, COOKIE], "header:  caf\xe9"),
        ([bearer({"user": 1}), HEADER], "header:  caf\xe9"),
        ([COOKIE, bearer({"user": 1})], "cookie:abc"),
        ([(b"cookie", b"x=y"), (b"COOKIE", b"cutover_client=z")], "cookie:z"),
        ([(b"Cookie", b"cutover_client=")], None),
        ([(b"Cookie", b"cutover_client=a b")], None),
        ([(b"Cookie", b"xcutover_client=a")], None),
        ([(b"X-Client", b"")], None),
        ([(b"Authorization", b"")], None),
        ([], None),
    ],
)
def test_the_first_sign_of_a_client_counts(fields: list[tuple[bytes, bytes]], key: str | None) -> None:
    """design.md section 3."""
    assert client_key(fields, STICKY) == key


@pytest.mark.parametrize("claims", [{"id": True}, {"id": None}, {"id": [1]}, {"id": {}}, {"id": 1.5}, {}, [], "x", 5])
def test_a_claim_that_is_no_name_leaves_the_hash_of_authorization(claims: Any) -> None:
    """Still sticky, and nothing of the token can be read from the key."""
    key = client_key([bearer(claims)], STICKY) or ""
    assert key.startswith("auth:") and len(key) == 29
    assert key == client_key([bearer(claims)], STICKY)


def test_a_claim_of_0_or_an_empty_one_is_a_name() -> None:
    """Whatever the application thinks of such an id, it is one client's."""
    assert client_key([bearer({"id": 0})], STICKY) == "id:0"
    assert client_key([bearer({"id": ""})], STICKY) == "id:"


def test_a_renewed_token_is_the_same_client() -> None:
    """A login must not move anybody to the other side."""
    old, new = ([bearer({"id": 5, "iat": at})] for at in (1, 2))
    assert client_key(old, STICKY) == client_key(new, STICKY)


def test_each_sign_can_be_left_out() -> None:
    """Without a claim, a header or a cookie of that name, the next one counts."""
    fields = [bearer({"id": 5}), HEADER]
    assert (client_key(fields, Sticky(claim=None)) or "").startswith("auth:")
    assert client_key(fields, Sticky(claim="sub", header="X-Client")) == "header:  caf\xe9"


@pytest.mark.property_test
@given(
    st.lists(st.tuples(st.sampled_from([b"Authorization", b"Cookie", b"X-Client", b"Other"]), st.binary()), max_size=5)
)
def test_no_bytes_raise(fields: list[tuple[bytes, bytes]]) -> None:
    """Whatever a client sends as token, cookie or header."""
    key = client_key(fields, STICKY)
    assert key is None or 0 <= point(key) < 100


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("id"), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.property_test
@given(_json, st.sampled_from([b"Bearer", b"bearer", b"Basic", b""]))
def test_no_token_raises(claims: Any, scheme: bytes) -> None:
    """Numbers beyond 64 bits, infinities, lone surrogates, deep nests."""
    key = client_key([bearer(claims, scheme)], STICKY)
    assert key is not None and 0 <= point(key) < 100


@pytest.mark.parametrize(
    "value",
    [
        b"Bearer a.b.c",
        b"Bearer ..",
        b"Bearer .",
        b"Bearer",
        b"Bearer a.%%%.c",
        b"Bearer a.\xff\xfe.c",
        b"Bearer a.b.c.d",
        b"Bearer e30.W10.x",
        b"Bearer e30." + base64.urlsafe_b64encode(b"\xff\xfe") + b".x",
        b"Bearer e30.e30",
        b"Bearer e30." + base64.urlsafe_b64encode(b"[" * 100_000).rstrip(b"=") + b".x",
        b"Bearer e30." + base64.urlsafe_b64encode(b'{"id":"\\ud800"}').rstrip(b"=") + b".x",
    ],
    ids=range(12),
)
def test_a_token_that_is_none_is_hashed_like_any_authorization(value: bytes) -> None:
    """Never an error: it only decides who answers."""
    assert (client_key([(b"Authorization", value)], STICKY) or "").startswith("auth:")


def test_points_are_the_same_in_every_process() -> None:
    """With no store: fixed by the key alone (these numbers must never change: clients would move)."""
    assert [round(point(key), 9) for key in ("id:1", "id:2", "cookie:abc", "caf\xe9", "")] == [
        55.107430118,
        14.855039419,
        92.253367872,
        90.186234229,
        68.879760001,
    ]


def test_a_key_is_never_longer_than_a_person_can_pin() -> None:
    """Keys are remembered; what clients send must not fill the memory."""
    for fields in ([bearer({"id": "x" * 9000})], [(b"X-Client", b"x" * 9000)], [(b"Authorization", b"x" * 9000)]):
        key = client_key(fields, STICKY) or ""
        assert len(key) < 150
        assert key == client_key(fields, STICKY)
    assert client_key([(b"X-Client", b"x" * 9000)], STICKY) != client_key([(b"X-Client", b"x" * 9001)], STICKY)


def test_an_issued_cookie_is_recognised() -> None:
    """And no two are alike."""
    value = new_cookie()
    assert client_key([(b"Cookie", b"cutover_client=" + value.encode())], STICKY) == f"cookie:{value}"
    assert value != new_cookie()
