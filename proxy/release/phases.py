"""Which phase may follow which: a table, and an error that names both when a move is not in it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from proxy.errors import Refused
from proxy.state import Phase


class Move(StrEnum):
    """What can happen to a release."""

    START = "start"  # copy and compare
    STOP = "stop"  # back to the active backend alone
    RAMP = "ramp"  # the standby gets a share of the reads
    HOME = "home"  # it gets none any more
    FLIP = "flip"  # the roles are swapped
    ROLL_BACK = "roll back"  # and swapped back
    COMPLETE = "complete"  # the old backend is no longer needed
    HALT = "halt"  # nowhere good to go


MOVES: Mapping[Phase, Mapping[Move, Phase]] = {
    Phase.RESTING: {Move.START: Phase.SHADOWING},
    Phase.SHADOWING: {
        Move.STOP: Phase.RESTING,
        Move.RAMP: Phase.RAMPING,
        Move.FLIP: Phase.WATCHING,
        Move.HALT: Phase.HALTED,
    },
    Phase.RAMPING: {
        Move.RAMP: Phase.RAMPING,
        Move.HOME: Phase.SHADOWING,
        Move.STOP: Phase.RESTING,
        Move.FLIP: Phase.WATCHING,
        Move.HALT: Phase.HALTED,
    },
    Phase.WATCHING: {
        Move.ROLL_BACK: Phase.SHADOWING,
        Move.COMPLETE: Phase.COMPLETE,
        Move.HALT: Phase.HALTED,
    },
    Phase.COMPLETE: {},
    Phase.HALTED: {Move.START: Phase.SHADOWING, Move.STOP: Phase.RESTING},
}


class IllegalMove(Refused):
    """A move that the phase does not allow."""

    def __init__(self, phase: Phase, move: Move) -> None:
        possible = ", ".join(MOVES[phase]) or "nothing"
        super().__init__(f"a release that is {phase} cannot {move}; possible is: {possible}")


def following(phase: Phase, move: Move) -> Phase:
    """The phase after the move. Raises IllegalMove."""
    try:
        return MOVES[phase][move]
    except KeyError:
        raise IllegalMove(phase, move) from None
