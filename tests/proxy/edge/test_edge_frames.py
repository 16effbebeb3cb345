"""The ends of frames are found wherever the stream is cut (RFC 6455 section 5.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from proxy.edge.frames import SERVICE_RESTART, Frames

SIZES = st.sampled_from([0, 1, 2, 125, 126, 127, 300, 65535, 65536, 70000])


def _bytes(size: int, mask: bool) -> bytes:
    return Frame(Opcode.BINARY, b"\x81" * size).serialize(mask=mask)


def test_the_word_of_goodbye_is_a_close_frame_with_1012() -> None:
    """RFC 6455 section 7.4.1, by a library's reckoning."""
    assert Frame(Opcode.CLOSE, (1012).to_bytes(2, "big")).serialize(mask=False) == SERVICE_RESTART


@pytest.mark.property_test
@given(st.lists(st.tuples(SIZES, st.booleans()), min_size=1, max_size=4), st.data())
def test_the_end_of_the_present_frame_is_found_at_any_cut(sizes: list[tuple[int, bool]], data: st.DataObject) -> None:
    """Whatever was followed before, stopping goes to the next end and no further."""
    ends, stream = [0], b""
    for size, mask in sizes:
        stream += _bytes(size, mask)
        ends.append(len(stream))
    cut = data.draw(st.integers(0, len(stream)))
    frames = Frames()
    for piece in (stream[: cut // 2], stream[cut // 2 : cut]):
        assert frames.follow(piece) == len(piece)
    assert frames.between == (cut in ends)
    rest = frames.follow(stream[cut:], stop=True)
    assert frames.between
    assert cut + rest == min(end for end in ends if end >= cut)
