"""The words of the WebSockets, without any socket: frames, rooms, tokens."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.exceptions import TokenMissing
from common.frames import BadFrame, frame_text, read_frame
from common.logs import redact_tokens, without_token
from common.sockets import token_in
from config.routing import room_named

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
UNICODE = st.text(st.characters(codec="utf-8"))


@pytest.mark.property_test
@given(kind=st.text(), data=JSON)
def test_what_a_client_says_is_read_as_it_was_meant(kind: str, data: Any) -> None:
    frame = read_frame(json.dumps({"type": kind, "data": data}))
    assert (frame.type, frame.data, frame.has_data) == (kind, data, True)
    assert read_frame(json.dumps({"type": kind})).has_data is False


@pytest.mark.property_test
@given(st.text() | JSON.map(json.dumps) | st.none())
def test_whatever_a_client_sends_is_understood_or_refused_in_words(text: str | None) -> None:
    try:
        read_frame(text)
    except BadFrame as refusal:
        assert str(refusal) in {"Text frames only", "Invalid JSON", "Invalid message"}


@pytest.mark.property_test
@given(kind=st.text(), data=JSON.filter(lambda data: "Infinity" not in repr(data)))
def test_what_is_sent_can_always_be_parsed_and_is_utf_8(kind: str, data: Any) -> None:
    text = frame_text({"type": kind, "data": data})
    text.encode()
    read = json.loads(text, parse_int=float)
    assert read == json.loads(json.dumps({"type": kind, "data": data}), parse_int=float)


def test_brackets_without_end_are_refused_both_ways() -> None:
    with pytest.raises(BadFrame, match="Invalid JSON"):
        read_frame('{"type": "ping", "data": ' + "[" * 100_000)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(BadFrame, match="Invalid message"):
        frame_text({"type": "pong", "data": endless})


@pytest.mark.property_test
@given(UNICODE.filter(bool))
def test_a_room_of_any_name_is_found_by_its_encoding(name: str) -> None:
    assert room_named(quote(name, safe="").encode()) == name


@pytest.mark.parametrize("path", [b"%", b"%z", b"a%f", b"%ff", b"%c3", b"%ed%a0%80"])
def test_what_encodes_no_text_names_no_room(path: bytes) -> None:
    assert room_named(path) is None


@pytest.mark.property_test
@given(token=UNICODE.filter(bool), others=st.lists(st.tuples(UNICODE, UNICODE).filter(lambda pair: pair[0] != "token")))
def test_a_token_is_found_among_other_things_and_the_first_counts(token: str, others: list[tuple[str, str]]) -> None:
    query = urlencode([*others, ("token", token), ("token", "another")])
    assert token_in(query.encode()) == token


@pytest.mark.parametrize("query", [b"", b"token=", b"token", b"Token=x", b"a=token", b"&&", b"\xff=\xfe"])
def test_no_token_is_missed_by_name(query: bytes) -> None:
    with pytest.raises(TokenMissing):
        token_in(query)


@pytest.mark.property_test
@given(
    token=st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", min_size=20),
    before=st.sampled_from(["", "a=b&", "x&"]),
    after=st.sampled_from(["", "&c=d", "&token=second"]),
)
def test_no_line_of_a_log_has_a_token_in_it(token: str, before: str, after: str) -> None:
    target = f"/ws/updates/?{before}token={token}{after}"
    for text in (target, f'GET "{target}" 404', f"<ASGIRequest: GET '{target}'>"):
        assert token not in without_token(text) and "second" not in without_token(text)
    line = redact_tokens(None, "warning", {"event": target, "request": Request(target), "status": 404})
    assert token not in repr(line) and line["status"] == 404


class Request:
    """Django adds the request to what it logs, and shows it with its query."""

    def __init__(self, target: str) -> None:
        self._target = target

    def __str__(self) -> str:
        return f"<ASGIRequest: GET {self._target!r}>"
