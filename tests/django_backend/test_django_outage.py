"""Doing without a dependency: who tries, who is answered at once, and what is told."""

from __future__ import annotations

from structlog.testing import capture_logs

from common.outage import Outage


class Dependency:
    """It is there or not, and counts how often it was asked; its clock stands still."""

    def __init__(self) -> None:
        self.now = 0.0
        self.there = True
        self.asked = 0
        self.outage = Outage("it", (ConnectionError,), pause=1, clock=lambda: self.now)

    def ask(self) -> str:
        """What a caller gets."""
        return self.outage.attempt("question", self._answer, "without it")

    def _answer(self) -> str:
        self.asked += 1
        if not self.there:
            raise ConnectionError("gone")
        return "from it"


def test_a_dependency_that_is_there_is_asked_each_time() -> None:
    it = Dependency()
    assert [it.ask() for _ in range(3)] == ["from it"] * 3
    assert it.asked == 3
    assert not it.outage.missed


def test_one_that_is_gone_is_asked_once_in_each_pause_until_it_is_back() -> None:
    it = Dependency()
    it.there = False
    for expected in (1, 2, 3):
        assert [it.ask() for _ in range(5)] == ["without it"] * 5
        assert it.asked == expected
        it.now += 1
    it.there = True
    assert [it.ask() for _ in range(3)] == ["from it"] * 3
    assert it.asked == 6
    assert it.outage.missed["question"] == 15


def test_it_is_told_once_that_it_went_and_once_that_it_came_back_with_what_was_missed() -> None:
    it = Dependency()
    with capture_logs() as logs:
        for times in (3, 4):
            it.there = False
            for _ in range(times):
                it.ask()
                it.now += 0.6
            it.there = True
            it.now += 1
            it.ask()
    assert [(line["event"], line.get("reason"), line.get("missed")) for line in logs] == [
        ("it is gone", "gone", None),
        ("it is back", None, {"question": 3}),
        ("it is gone", "gone", None),
        ("it is back", None, {"question": 4}),
    ]


def test_what_somebody_else_found_spares_the_next_one_the_attempt() -> None:
    it = Dependency()
    it.outage.failed(ConnectionError("cut"))
    assert (it.ask(), it.asked) == ("without it", 0)
    it.outage.worked()
    assert (it.ask(), it.asked) == ("from it", 1)


def test_a_mistake_is_no_outage() -> None:
    it = Dependency()

    def mistake() -> str:
        raise KeyError("x")

    try:
        it.outage.attempt("question", mistake, "without it")
    except KeyError:
        assert it.ask() == "from it"
    else:
        raise AssertionError("the mistake was swallowed")
