from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.channel import Frames, breaker, done, heard
from shadow.exchange import PREFIX, Exchange, decode, encode, rest_length
from shadow.testing import an_exchange

FIELDS = st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=50)), max_size=5).map(tuple)
EXCHANGES = st.builds(
    Exchange,
    id=st.text(max_size=40),
    at=st.floats(0, 4e9),
    seconds=st.floats(0, 100),
    epoch=st.integers(0, 2**53),
    active=st.text(max_size=10),
    served=st.text(max_size=10),
    mirrored=st.text(max_size=10),
    route=st.text(max_size=40),
    kind=st.sampled_from(["read", "auth"]),
    method=st.sampled_from(["GET", "POST", "PURGE"]),
    target=st.binary(max_size=100),
    host=st.binary(max_size=30),
    headers=FIELDS,
    body=st.binary(max_size=300),
    status=st.integers(100, 599),
    answer_headers=FIELDS,
    answer_body=st.binary(max_size=300),
)


@pytest.mark.property_test
@given(EXCHANGES)
def test_an_exchange_arrives_as_it_was_sent(exchange: Exchange) -> None:
    frame = encode(exchange)
    assert decode(frame) == exchange
    assert rest_length(frame[:PREFIX]) == len(frame) - PREFIX


@pytest.mark.property_test
@given(EXCHANGES, st.integers(0, 400))
def test_a_frame_that_is_cut_short_is_not_taken_for_an_exchange(exchange: Exchange, cut: int) -> None:
    frame = encode(exchange)
    with pytest.raises(ValueError):
        decode(frame[: max(0, len(frame) - 1 - cut)])


@pytest.mark.property_test
@given(st.lists(EXCHANGES, max_size=5), st.data())
def test_frames_come_out_whole_however_the_stream_is_cut(exchanges: list[Exchange], data: st.DataObject) -> None:
    stream = b"".join(encode(exchange) for exchange in exchanges)
    frames, got, at = Frames(10_000_000), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, 400))
        complete, passed_over = frames.feed(stream[at : at + step])
        got += complete
        at += step
        assert passed_over == 0
    assert [decode(frame) for frame in got] == exchanges


@pytest.mark.property_test
@given(st.lists(st.integers(0, 400), max_size=20), st.integers(1, 64))
def test_a_frame_above_the_limit_is_passed_over_and_the_next_one_is_read(sizes: list[int], step: int) -> None:
    limit = len(encode(an_exchange(answer_body=b"x" * 200)))
    sent = [encode(an_exchange(answer_body=b"x" * size)) for size in sizes]
    stream = b"".join(sent)
    frames, got, missed = Frames(limit), [], 0
    for at in range(0, len(stream), step):
        complete, passed_over = frames.feed(stream[at : at + step])
        got += complete
        missed += passed_over
    assert got == [frame for frame in sent if len(frame) <= limit]
    assert missed == len(sent) - len(got)


def test_rubbish_on_the_line_never_stops_the_reader() -> None:
    frames = Frames(1000)
    assert frames.feed(b"\0" * 8)[1] == 1
    assert frames.feed(encode(an_exchange()))[0] == [encode(an_exchange())]


def test_an_edge_understands_what_a_worker_says_and_passes_over_what_is_new() -> None:
    lines = (done(3) + breaker("new", True) + b"weather fine\n" + breaker("old", False) + done(4)).splitlines()
    told = heard(lines)
    assert (told.done, told.opened, told.closed) == (7, ["new"], ["old"])
