"""Which phase may follow which."""

from __future__ import annotations

import pytest

from proxy.release.phases import MOVES, IllegalMove, Move, following
from proxy.state import Phase

LEGAL = [(phase, move, after) for phase, moves in MOVES.items() for move, after in moves.items()]
ILLEGAL = [(phase, move) for phase in Phase for move in Move if move not in MOVES[phase]]


def test_every_phase_has_its_row() -> None:
    assert set(MOVES) == set(Phase)


@pytest.mark.parametrize(("phase", "move", "after"), LEGAL)
def test_a_legal_move_leads_where_the_table_says(phase: Phase, move: Move, after: Phase) -> None:
    assert following(phase, move) is after


@pytest.mark.parametrize(("phase", "move"), ILLEGAL)
def test_an_illegal_move_is_an_error_that_names_both(phase: Phase, move: Move) -> None:
    with pytest.raises(IllegalMove) as refused:
        following(phase, move)
    assert phase.value in str(refused.value)
    assert move.value in str(refused.value)


def test_every_phase_can_be_reached_from_rest() -> None:
    seen, waiting = {Phase.RESTING}, [Phase.RESTING]
    while waiting:
        for after in MOVES[waiting.pop()].values():
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    assert seen == set(Phase)


def test_a_halted_release_moves_on_only_by_a_person() -> None:
    assert set(MOVES[Phase.HALTED]) == {Move.START, Move.STOP}
