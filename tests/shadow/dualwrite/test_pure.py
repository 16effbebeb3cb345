"""The rules of order, retry and pinning, as tables and as properties of all inputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.answer import Answer, AskFailed, Reason
from shadow.dualwrite.entry import MOVES, OPEN, SETTLED, Entry, IllegalMove, State, moved
from shadow.dualwrite.landing import is_closed
from shadow.dualwrite.lanes import lanes_of
from shadow.dualwrite.ordering import (
    EVERYTHING,
    Taken,
    closure,
    conflict,
    heads,
    in_the_way,
    is_final,
    minimal,
    overtaken,
    stuck,
)
from shadow.dualwrite.places import READ_AT_MOST
from shadow.dualwrite.retry import FAULT_TRIES, LONGEST_WAIT, WAIT_WHEN_BUSY, Act, back_off, decide

LANE = st.lists(st.sampled_from("ab"), max_size=3).map("/".join)
LANES = st.lists(LANE, min_size=1, max_size=3).map(minimal)


def an_entry(number: int, *lanes: str, state: State = State.DONE, **more: int) -> Entry:
    after, completion, horizon = more.get("after", 0), more.get("completion"), more.get("horizon", 0)
    return Entry(
        number, f"id-{number}", 1, "old", "new", "POST /x", lanes, 0.0, 0.0, after, state,
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
@given(st.lists(LANE, max_size=20), st.lists(LANE, max_size=20))
def test_many_lanes_conflict_as_few_do(one: list[str], other: list[str]) -> None:
    """Hundreds are not compared with hundreds, one by one."""
    expected = any(conflict([a], [b]) for a in one for b in other)
    assert conflict(one, other) is expected
    assert Taken(one).meets(other) is expected


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


NOT_AS_PEOPLE_WRITE_IT = (b'"057"', b'"+5"', b'" 5"', b'"5x"', b"5.0", b"true", b"1e2", b'"9%b"' % (b"9" * 30))


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
        (("cadets/{id:int}/{other:int}",), b"", ("cadets/57",)),
        (("cadets/{body.n:int}",), b'{"n": 0}', ("cadets/0",)),
        *((("cadets/{body.n:int}",), b'{"n": %b}' % odd, ("cadets",)) for odd in NOT_AS_PEOPLE_WRITE_IT),
        (("users/{claim.id:int}",), b"", ("users/7",)),
        (("users/{claim.none}",), b"", ("users",)),
        (("a/{claim.none?}", "b/{claim.id?}"), b"", ("b/7",)),
        (("a/{claim.none?}",), b"", (EVERYTHING,)),
        (("a/{body.n}",), b'{"n": "%b"}' % (b"x" * 513), ("a",)),
        (("a/{body.n[*]}",), b'{"n": [%b]}' % b",".join(b"%d" % n for n in range(257)), ("a",)),
        (("a/{claim.name:int?}",), b"", ("a",)),
        (("a/{id}/c/{id}/{id}", "a/b/c/d/e/f"), b"", ("a/57/c/57", "a/b/c/d")),
        (("a/{body.n}/b", "c/{body.n?}"), b'{"n": 1}' + b" " * READ_AT_MOST, ("a", "c")),
        (("a/{body.n}/b", "c/{body.n?}"), b'{"n": 1}' + b" " * (READ_AT_MOST - 8), ("a/1/b", "c/1")),
        (("a/{body.code.student}",), b'{"code": "{\\"student\\": \\"S-1\\"}"}', ("a/S-1",)),
    ],
)
def test_lanes_come_from_the_path_and_the_body(
    templates: tuple[str, ...], body: bytes, expected: tuple[str, ...]
) -> None:
    claims = {"id": 7, "none": None, "name": "x"}
    assert lanes_of(templates, {"id": "57", "other": "5x"}, body, claims) == expected


@pytest.mark.parametrize(
    ("heard", "with_ids", "without"),
    [
        (201, Act.COMPARE, Act.COMPARE),
        (302, Act.COMPARE, Act.COMPARE),
        (400, Act.REFUSED, Act.REFUSED),
        (404, Act.REFUSED, Act.REFUSED),
        (409, Act.RETRY, Act.REFUSED),
        (429, Act.WAIT, Act.WAIT),
        (500, Act.RETRY, Act.HEAL),
        (502, Act.RETRY, Act.HEAL),
        (503, Act.WAIT, Act.WAIT),
        (504, Act.RETRY, Act.HEAL),
        (Reason.REFUSED, Act.WAIT, Act.WAIT),
        (Reason.RESET, Act.RETRY, Act.HEAL),
        (Reason.TIMEOUT, Act.RETRY, Act.HEAL),
        (Reason.TOO_LARGE, Act.REFUSED, Act.HEAL),
    ],
)
def test_an_answer_means_what_the_backend_can_promise(heard: int | Reason, with_ids: Act, without: Act) -> None:
    answer = Answer(heard, (), b"") if isinstance(heard, int) else AskFailed(heard)
    assert decide(answer, ids=True, attempts=0).act is with_ids
    assert decide(answer, ids=False, attempts=0).act is without


@pytest.mark.parametrize(
    ("heard", "ended"),
    [
        (201, True),
        (400, None),  # nothing is recorded under the id: an earlier copy may still be taken
        (409, False),
        (429, None),
        (500, False),  # it may be the word of somebody before the backend, who waited no longer
        (502, False),
        (503, False),
        (504, False),
        (Reason.REFUSED, None),
        (Reason.RESET, False),
        (Reason.TIMEOUT, False),
        (Reason.TOO_LARGE, False),
    ],
)
@pytest.mark.parametrize("attempts", [0, 100])
def test_a_copy_without_an_answer_may_still_land(heard: int | Reason, ended: bool | None, attempts: int) -> None:
    answer = Answer(heard, (), b"") if isinstance(heard, int) else AskFailed(heard)
    assert decide(answer, ids=True, attempts=attempts).ended is ended


@pytest.mark.parametrize(
    ("status", "body", "ended"),
    [(500, b'{"error":"x"}', True), (502, b"", None), (504, b"", None), (500, b'{"code":"INTERNAL"}', True)],
)
def test_without_ids_a_gateways_word_is_not_the_end_of_a_copy(status: int, body: bytes, ended: bool | None) -> None:
    decision = decide(Answer(status, (), body), ids=False, attempts=0)
    assert (decision.act, decision.ended) == (Act.HEAL, ended)


@pytest.mark.parametrize("status", [500, 503])
def test_with_ids_a_fault_in_the_backends_own_words_is_the_end_of_this_copy(status: int) -> None:
    assert decide(Answer(status, (), b'{"code":"SERVICE_UNAVAILABLE"}'), ids=True, attempts=0).ended is None


@pytest.mark.parametrize(
    ("body", "act"),
    [
        (b'{"code":"IN_PROGRESS"}', Act.RETRY),
        (b'{"code":"CONFLICT"}', Act.REFUSED),
        (b"[]", Act.RETRY),
        (b"x", Act.RETRY),
    ],
)
def test_a_409_that_names_another_reason_is_no_copy_under_way(body: bytes, act: Act) -> None:
    assert decide(Answer(409, (), body), ids=True, attempts=3).act is act


@pytest.mark.parametrize("attempts", [0, FAULT_TRIES])
def test_a_standby_that_does_not_believe_a_copy_refuses_no_write(attempts: int) -> None:
    decision = decide(Answer(403, (), b'{"code":"COPY_NOT_PROVEN"}'), ids=True, attempts=attempts)
    assert (decision.act, decision.wait > 0) == (Act.WAIT, True) and "secrets" in decision.why
    assert decide(Answer(403, (), b'{"code":"PERMISSION_DENIED"}'), ids=True, attempts=attempts).act is Act.REFUSED


@pytest.mark.parametrize(
    ("status", "recorded", "closed"),
    [(410, False, True), (201, False, True), (302, True, True), (422, True, True), (200, True, True),
     (401, False, False), (403, False, False), (404, False, False), (413, False, False), (302, False, False),
     (409, False, False), (429, False, False), (502, False, False), (503, True, False)],
)  # fmt: skip
def test_an_id_is_closed_when_the_backend_proves_it(status: int, recorded: bool, closed: bool) -> None:
    fields = ((b"idempotency-replayed", b"true"),) if recorded else ()
    assert is_closed(Answer(status, fields, b"")) is closed


def test_a_fault_that_does_not_pass_is_a_refusal_in_the_end() -> None:
    assert decide(Answer(500, (), b""), ids=True, attempts=FAULT_TRIES - 1).act is Act.RETRY
    assert decide(Answer(500, (), b""), ids=True, attempts=FAULT_TRIES).act is Act.REFUSED


@pytest.mark.parametrize(
    ("said", "seconds"), [(b"3", 3.0), (b"0", WAIT_WHEN_BUSY), (b"999999999999", LONGEST_WAIT), (b"-1", WAIT_WHEN_BUSY),
                          (b"Sun, 29 Nov 2026 00:00:00 GMT", WAIT_WHEN_BUSY), ("²".encode(), WAIT_WHEN_BUSY)]
)  # fmt: skip
def test_a_busy_standby_says_when_to_come_again(said: bytes, seconds: float) -> None:
    decision = decide(Answer(503, ((b"Retry-After", said),), b""), ids=True, attempts=FAULT_TRIES)
    assert (decision.act, decision.wait) == (Act.WAIT, seconds)


def test_a_standby_that_is_away_for_hours_is_asked_again_within_a_second() -> None:
    assert decide(AskFailed(Reason.REFUSED), ids=False, attempts=10_000).wait < 1


@pytest.mark.property_test
@given(st.integers(0, 10_000))
def test_waiting_grows_and_is_bounded(attempts: int) -> None:
    assert 0 < back_off(attempts) <= back_off(attempts + 1) <= LONGEST_WAIT
