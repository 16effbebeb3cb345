"""What a run of the model is about, so that a flaw shows within a few examples."""

from __future__ import annotations

from dataclasses import dataclass

from tests.model.sides import LANES

REPLIES = ("answers", "answers", "answers", "busy", "hangs", "hangs after", "lost", "lost after")
ALL_COURSES = (
    "ok",
    "ok",
    "ok",
    "slow",
    "slow",
    "visible",
    "4xx",
    "5xx effect",
    "5xx",
    "late",
    "dies",
    "crash",
    "unacked",
)


@dataclass(frozen=True)
class Theme:
    """What a run is about: everything, or one part so often that a flaw in it shows within a few examples."""

    active: str = "old"
    lanes: tuple[tuple[str, ...], ...] = LANES
    courses: tuple[str, ...] = ALL_COURSES
    replies: tuple[str, ...] = REPLIES
    without: frozenset[str] = frozenset()
    poison: int = 5  # the standby refuses every fifth; 0: none
    both: int = 4  # the rows of every fourth are carried behind its copy; 0: of none
    leaning: bool = False
    creating: bool = False


ROLES = frozenset({"flip", "roll_back"})
REPLAYERS = frozenset({"another_replayer_takes_over", "orphan_is_asked_again", "a_hanging_copy_is_answered"})
CARE = frozenset({"heal", "person_decides"})
FAULTS = frozenset({"edge_dies", "resolve"})
THEMES = {
    "everything": Theme(),
    "timeouts": Theme(
        lanes=(("a",), ("b",), ("b/1",)), courses=("ok", "ok", "late", "dies"), without=ROLES | REPLAYERS, poison=0
    ),
    "late answers": Theme(
        lanes=(("a",),), courses=("ok", "late"), replies=("answers",), without=ROLES | REPLAYERS | FAULTS | CARE,
        poison=0
    ),
    "timeouts with ids": Theme(
        "new", (("a",),), ("ok", "late", "dies", "crash"), without=ROLES | REPLAYERS, poison=0
    ),
    "leaning": Theme(
        lanes=(("a",), ("b/1",)), courses=("ok", "slow", "visible"), without=ROLES | REPLAYERS | CARE, poison=0,
        leaning=True,
    ),
    "lanes": Theme(lanes=(("b",), ("b/1",)), courses=("ok", "slow", "late"), without=ROLES | REPLAYERS),
    "replayers": Theme("new", courses=("ok",), without=ROLES),
    "replayers with ids": Theme("old", (("a",), ("b",)), ("ok", "visible"), without=ROLES, leaning=True),
    "ahead": Theme(
        lanes=(("a",), ("b",)), courses=("ok",), replies=("answers", "hangs", "hangs", "lost"), poison=0, both=0,
        without=ROLES | FAULTS | CARE,
    ),
    "terms": Theme("new", (("a",),), ("ok",), ("hangs", "hangs after"), without=ROLES | FAULTS, poison=2),
    "overlapping": Theme(
        lanes=(("a",), ("b/1",)), courses=("slow",), without=ROLES | REPLAYERS | CARE | FAULTS, poison=0, leaning=True
    ),
    "creates": Theme("new", (("a",), ("b/1",)), ("slow",), ("hangs", "answers"), creating=True,
        without=ROLES | CARE | FAULTS | {"another_replayer_takes_over", "orphan_is_asked_again"}, poison=0),
    "rollbacks": Theme(lanes=(("a",), ("b/1",)), courses=("ok", "slow"), poison=2,
        without=REPLAYERS | FAULTS | {"heal"}),
    "both": Theme("new", (("a",), ("b",)), ("ok", "slow"), ("answers", "hangs after"), without=ROLES | FAULTS, poison=0,
        both=2),
    "both and roles": Theme(lanes=(("a",), ("b/1",)), courses=("ok", "slow"), without=REPLAYERS | FAULTS, both=2),
    "roles": Theme(courses=("ok", "ok", "slow", "late", "unacked", "4xx"), without=REPLAYERS),
}  # fmt: skip

# Every flaw that the world can be given, with a theme in which it shows soon.
MUTANTS = {
    "acknowledged_early": "timeouts with ids",
    "acknowledged_forgotten": "everything",
    "ahead_at_once": "ahead",
    "ahead_of_a_failure": "ahead",
    "ahead_taken_over": "ahead",
    "children_ignored": "lanes",
    "copied_sent_again": "both",
    "creates_in_parallel": "creates",
    "final_at_once": "overlapping",
    "final_by_start": "overlapping",
    "forward_first": "timeouts with ids",
    "heal_not_closed": "roles",
    "heal_without_hold": "replayers",
    "intent_is_done": "timeouts with ids",
    "intent_is_fail": "timeouts with ids",
    "lanes_not_claimed": "leaning",
    "no_catch_up": "everything",
    "no_clock": "replayers with ids",
    "no_compare": "overlapping",
    "no_dedup": "everything",
    "no_pin": "timeouts with ids",
    "overlap_replayed": "late answers",
    "parked_lane_open": "rollbacks",
    "parked_overtaken": "terms",
    "probe_early": "timeouts with ids",
    "refusal_ignored": "leaning",
    "rows_forgotten": "both",
    "sending_forgotten": "replayers",
    "sent_again_without_ids": "replayers",
    "sequence_not_raised": "roles",
    "stale_epoch_accepted": "roles",
    "stale_side_flipped_to": "rollbacks",
    "stale_term_accepted": "terms",
    "unknown_overtaken": "timeouts",
    "zombies_ignored": "replayers",
}
