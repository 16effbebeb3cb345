"""The rules of order, retry and pinning, as tables and as properties of all inputs."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.answer import Answer, AskFailed, Reason
from shadow.dualwrite.entry import MOVES, OPEN, SETTLED, Entry, IllegalMove, State, moved
from shadow.dualwrite.lanes import WriteRoute, lanes_of
from shadow.dualwrite.ordering import (
    EVERYTHING,
    closure,
    conflict,
    heads,
    in_the_way,
    is_final,
    minimal,
    overtaken,
    stuck,
)
from shadow.dualwrite.pinning import Pins, Unpinnable, pins_of, sequence_value
from shadow.dualwrite.retry import LONGEST_WAIT, Act, back_off, decide

LANE = st.lists(st.sampled_from("ab"), max_size=3).map("/".join)
LANES = st.lists(LANE, min_size=1, max_size=3).map(minimal)


def an_entry(number: int, *lanes: str, state: State = State.DONE, **more: int) -> Entry:
    after, completion, horizon = more.get("after", 0), more.get("completion"), more.get("horizon", 0)
    return Entry(
        number, f"id-{number}", 1, "old", "new", "POST /x", lanes, 0.0, after, state,
        completion=completion, horizon=horizon,
    )  # fmt: skip


def test_every_state_has_its_moves_and_the_settled_ones_stand_in_nobodys_way() -> None:
    assert MOVES.keys() == set(State)
    assert {State.INTENT, State.UNKNOWN, State.DONE, State.PARKED} == OPEN
    assert not OPEN & SETTLED


def test_an_illegal_move_names_both_states() -> None:
    assert moved(State.INTENT, State.DONE) is State.DONE
    with pytest.raises(IllegalMove, match="applied cannot become parked"):
        moved(State.APPLIED, State.PARKED)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("cadets/57", "cadets/57", True),
        ("cadets/57", "cadets", True),
        ("cadets", "cadets/57/grades", True),
        ("cadets/57", "cadets/5", False),
        ("cadets/5", "cadets/57", False),
        ("cadets", "cadets-old", False),
        (EVERYTHING, "cadets/57", True),
    ],
)
def test_a_lane_conflicts_with_its_ancestors_and_descendants(one: str, other: str, expected: bool) -> None:
    assert conflict([one], [other]) is conflict([other], [one]) is expected


@pytest.mark.property_test
@given(LANES, LANES)
def test_minimal_lanes_conflict_with_the_same_others(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert not any(conflict([lane], [rest]) for lane in one for rest in one if lane != rest)
    assert conflict(minimal([*one, *(lane + "/x" for lane in one)]), other) == conflict(one, other)


@pytest.mark.property_test
@given(st.lists(LANES, max_size=6))
def test_the_heads_of_a_queue_share_no_lane_and_nobody_is_overtaken(queue: list[tuple[str, ...]]) -> None:
    chosen = heads(queue)
    for place in range(len(queue)):
        before = any(conflict(queue[place], queue[earlier]) for earlier in range(place))
        assert (place in chosen) is not before


def test_replay_waits_for_what_had_completed_before_it_began() -> None:
    earlier, entry = an_entry(1, "a", completion=1), an_entry(2, "b", after=1, completion=2)
    assert "had completed before" in (in_the_way(entry, [earlier, entry], frozenset()) or "")
    beside = an_entry(3, "b", after=0, completion=3)
    assert in_the_way(beside, [earlier, beside], frozenset()) is None


@pytest.mark.parametrize("state", [State.PARKED, State.UNKNOWN])
def test_what_is_stuck_stops_its_own_lanes_and_not_the_clock(state: State) -> None:
    first, behind = an_entry(1, "a", state=state), an_entry(2, "a", "b", completion=1)
    behind_that, beside = an_entry(3, "b", after=1, completion=2), an_entry(4, "c", after=2, completion=3)
    entries = [first, behind, behind_that, beside]
    assert stuck(entries) == {1, 2, 3}
    assert [in_the_way(entry, entries, stuck(entries)) is None for entry in entries[1:]] == [False, False, True]


@pytest.mark.parametrize("state", State)
def test_replay_overtakes_nothing_that_is_open_in_its_lanes(state: State) -> None:
    entry = an_entry(2, "a/1", completion=2)
    assert (in_the_way(entry, [an_entry(1, "a", state=state, completion=1)], frozenset()) is not None) is (
        state in OPEN
    )


def test_what_was_overtaken_in_its_lanes_has_no_known_order() -> None:
    unknown = an_entry(1, "a", state=State.UNKNOWN)
    assert overtaken(unknown, [unknown, an_entry(2, "a/1")])
    assert not overtaken(unknown, [unknown, an_entry(2, "b")])


def test_a_refusal_is_final_once_all_that_it_may_have_seen_is_settled() -> None:
    entry = an_entry(1, "a", completion=1, horizon=2)
    began_meanwhile, began_later = an_entry(2, "b", completion=2), an_entry(3, "c", state=State.INTENT)
    assert not is_final(entry, [entry, began_meanwhile, began_later], {1: 0}, 0)
    assert is_final(entry, [entry, began_later], {1: 0}, 0)


def test_of_two_refused_writes_that_wait_for_each_other_the_first_gives_up() -> None:
    one, other = an_entry(1, "a", completion=1, horizon=2), an_entry(2, "b", completion=2, horizon=2)
    assert is_final(one, [one, other], {1: 5, 2: 5}, 5)
    assert not is_final(other, [one, other], {1: 5, 2: 5}, 5)
    assert not is_final(one, [one, other], {1: 5, 2: 4}, 5), "the other was not tried since something changed"


@pytest.mark.property_test
@given(LANES, st.lists(LANES, max_size=5))
def test_healing_the_closure_leaves_no_entry_half_healed(lanes: tuple[str, ...], others: list[tuple[str, ...]]) -> None:
    entries = [an_entry(number, *found) for number, found in enumerate(others, 1)]
    healed = closure(lanes, entries)
    assert all(any(conflict([lane], [top]) and minimal([lane, top]) == (top,) for top in healed) for lane in lanes)
    for entry in entries:
        if conflict(entry.lanes, healed):
            assert minimal([*entry.lanes, *healed]) == healed


@pytest.mark.parametrize(
    ("templates", "body", "expected"),
    [
        ((), b"{}", (EVERYTHING,)),
        (("cadets/{id}",), b"", ("cadets/57",)),
        (("cadets/{body.cadet_id}",), b'{"cadet_id": 9}', ("cadets/9",)),
        (("cadets/{body.cadet_id}",), b'{"cadet_id": "9"}', ("cadets/9",)),
        (("cadets/{body.cadet_id}",), b"cadet_id=9", ("cadets",)),
        (("cadets/{body.cadet_id}",), b'{"cadet_id": null}', ("cadets",)),
        (("cadets/{body.rows[*].cadet}",), b'{"rows": [{"cadet": 1}, {"cadet": 2}]}', ("cadets/1", "cadets/2")),
        (("cadets/{body.rows[*].cadet}",), b'{"rows": [{"cadet": 1}, {}]}', ("cadets",)),
        (("cadets/{body.ids[*]}", "cadets/{id}"), b'{"ids": [57]}', ("cadets/57",)),
        (("{body.name}/x",), b'{"name": "a/b"}', ("a%2Fb/x",)),
        (("{body.none}",), b"{}", (EVERYTHING,)),
        (("cadets/{none}", "cadets/57"), b"", ("cadets",)),
    ],
)
def test_lanes_come_from_the_path_and_the_body(
    templates: tuple[str, ...], body: bytes, expected: tuple[str, ...]
) -> None:
    assert lanes_of(templates, {"id": "57"}, body) == expected


@pytest.mark.parametrize(
    ("heard", "with_ids", "without"),
    [
        (201, Act.COMPARE, Act.COMPARE),
        (302, Act.COMPARE, Act.COMPARE),
        (400, Act.REFUSED, Act.REFUSED),
        (404, Act.REFUSED, Act.REFUSED),
        (409, Act.RETRY, Act.REFUSED),
        (429, Act.RETRY, Act.RETRY),
        (500, Act.REFUSED, Act.HEAL),
        (502, Act.RETRY, Act.HEAL),
        (503, Act.RETRY, Act.RETRY),
        (504, Act.RETRY, Act.HEAL),
        (Reason.REFUSED, Act.RETRY, Act.RETRY),
        (Reason.RESET, Act.RETRY, Act.HEAL),
        (Reason.TIMEOUT, Act.RETRY, Act.HEAL),
        (Reason.TOO_LARGE, Act.REFUSED, Act.HEAL),
    ],
)
def test_an_answer_means_what_the_backend_can_promise(heard: int | Reason, with_ids: Act, without: Act) -> None:
    answer = Answer(heard, (), b"") if isinstance(heard, int) else AskFailed(heard)
    assert decide(answer, ids=True, attempts=0).act is with_ids
    assert decide(answer, ids=False, attempts=0).act is without


@pytest.mark.property_test
@given(st.integers(0, 10_000))
def test_waiting_grows_and_is_bounded(attempts: int) -> None:
    assert 0 < back_off(attempts) <= back_off(attempts + 1) <= LONGEST_WAIT


CREATE = WriteRoute(sequence="cadets_id_seq", pins={"id": "data.id", "created_at": "data.at"})


def test_pins_are_found_in_the_answer_and_travel_as_json() -> None:
    answer = Answer(201, (), b'{"data": {"id": 57, "at": "2026-01-02T03:04:05Z"}}')
    pins = pins_of(CREATE, answer, actor='{"id": 3, "name": "José 🎖"}', at_time=5.5)
    assert pins.header().isascii()
    assert orjson.loads(pins.header()) == {
        "values": {"id": 57, "created_at": "2026-01-02T03:04:05Z"},
        "actor": {"id": 3, "name": "José 🎖"},
        "at": 5.5,
    }
    assert sequence_value(CREATE, pins) == ("cadets_id_seq", 57)
    assert sequence_value(WriteRoute(), pins) is None


@pytest.mark.parametrize("body", [b"", b"rubbish", b"{}", b'{"data": {"id": null, "at": 1}}'])
def test_an_answer_without_its_ids_cannot_be_pinned(body: bytes) -> None:
    with pytest.raises(Unpinnable):
        pins_of(CREATE, Answer(201, (), body), actor=None, at_time=0.0)


@pytest.mark.parametrize("value", [None, "x", 0, -1, True, 1.5, "5e3"])
def test_a_sequence_is_set_only_to_a_whole_number(value: object) -> None:
    with pytest.raises(Unpinnable):
        sequence_value(CREATE, Pins({"id": value}))


@pytest.mark.property_test
@given(st.dictionaries(st.text(max_size=5), st.text(max_size=8), max_size=3))
def test_any_text_survives_the_pin_header(values: dict[str, str]) -> None:
    try:
        written = Pins(values).header()
    except TypeError:
        return  # lone surrogates are no text that JSON could have brought
    assert orjson.loads(written)["values"] == values
    assert written.isascii() and not set(written) & set(b"\r\n\0")
