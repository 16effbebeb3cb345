"""What a copy is told of the values that the active side made up."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.answer import Answer
from shadow.dualwrite.lanes import WriteRoute
from shadow.dualwrite.pinning import Pins, Unpinnable, pins_of, sequence_value

THEN = "2026-01-02T03:04:05.678Z"
AT = 1_770_000_000.25
CREATE = WriteRoute(sequence="public.cadets_id_seq", pins={"ids.cadets": "data.id"})
UPLOAD = WriteRoute(pins={"ids.files": "id", "now": "at", "urls": "images[*]"})


def told(route: WriteRoute, body: bytes, actor: str | None = None) -> dict[str, object]:
    header = pins_of(route, Answer(201, (), body), actor=actor, at_time=AT).header()
    assert header.isascii()
    found: dict[str, object] = orjson.loads(header)
    return found


def test_ids_instants_and_addresses_are_found_in_the_answer() -> None:
    body = (
        b'{"id": "4b0e0f7e-1111-4111-8111-111111111111", "at": "%b", "images": "[\\"/a\\", \\"/b\\"]"}' % THEN.encode()
    )
    assert told(UPLOAD, body, '{"id": 3, "role": "staff"}') == {
        "ids": {"files": ["4b0e0f7e-1111-4111-8111-111111111111"]},
        "now": THEN,
        "actor": 3,
        "urls": ["/a", "/b"],
    }


def test_a_write_that_tells_no_time_gets_that_of_its_arrival() -> None:
    assert told(WriteRoute(), b"") == {"now": "2026-02-02T02:40:00.250000+00:00"}


def test_many_ids_come_in_the_order_of_the_answer() -> None:
    route = WriteRoute(pins={"ids.grades": "data[*].id"})
    assert told(route, b'{"data": [{"id": 3}, {"id": "12"}]}')["ids"] == {"grades": [3, 12]}


def test_an_upload_without_a_file_has_no_address() -> None:
    route = WriteRoute(pins={"urls": "file_url"})
    assert "urls" not in told(route, b'{"file_url": null}')


@pytest.mark.parametrize("claims", [None, "{}", '{"id": null}', '{"id": true}', '{"id": "x"}', "[]"])
def test_an_actor_that_is_no_number_is_not_told(claims: str | None) -> None:
    assert "actor" not in told(WriteRoute(), b"", claims)


@pytest.mark.parametrize(
    "body", [b"", b"rubbish", b"{}", b'{"data": {"id": null}}', b'{"data": {"id": true}}', b'{"data": {"id": 1.5}}']
)
def test_an_answer_without_its_ids_cannot_be_pinned(body: bytes) -> None:
    with pytest.raises(Unpinnable):
        told(CREATE, body)


@pytest.mark.parametrize("at", [b"null", b"5", b'"soon"', b'"2026-01-02T03:04:05"'])
def test_an_answer_without_its_instant_cannot_be_pinned(at: bytes) -> None:
    with pytest.raises(Unpinnable):
        told(WriteRoute(pins={"now": "at"}), b'{"at": %b}' % at)


def test_an_unmodified_backend_is_told_one_id_by_its_sequence() -> None:
    assert sequence_value(CREATE, Pins({"cadets": (57,)})) == ("public.cadets_id_seq", 57)
    assert sequence_value(WriteRoute(), Pins()) is None


@pytest.mark.parametrize("ids", [(), (0,), (-1,), ("x",), (1, 2)])
def test_a_sequence_is_set_only_to_one_whole_number(ids: tuple[int | str, ...]) -> None:
    with pytest.raises(Unpinnable):
        sequence_value(CREATE, Pins({"cadets": ids}))


@pytest.mark.parametrize("more", ["now", "urls", "ids.notifications"])
def test_what_no_sequence_can_tell_an_unmodified_backend_goes_as_rows(more: str) -> None:
    route = WriteRoute(sequence="cadets_id_seq", pins={"ids.cadets": "id", more: "x"})
    with pytest.raises(Unpinnable, match=more):
        sequence_value(route, Pins({"cadets": (57,)}))


@pytest.mark.property_test
@given(st.lists(st.text(max_size=8), min_size=1, max_size=3))
def test_any_text_survives_the_pin_header(urls: list[str]) -> None:
    try:
        written = Pins(urls=tuple(urls)).header()
    except TypeError:
        return  # lone surrogates are no text that JSON could have brought
    assert orjson.loads(written)["urls"] == urls
    assert written.isascii() and not set(written) & set(b"\r\n\0")
