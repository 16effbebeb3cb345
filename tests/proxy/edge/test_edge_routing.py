"""Who answers: rules that hold for every client, and tables for the templates."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.routes import Route, RouteClass
from proxy.edge.routing import Decision, Matched, RouteTable, copies, decide, held_home, parameters
from proxy.state import ControlState, Phase
from tests.support.edge import RESTING, SHADOWING, ramping

READ = Matched("GET /cadets", RouteClass.READ, True)
WRITE = Matched("POST /cadets", RouteClass.WRITE, True)
AUTH = Matched("POST /login", RouteClass.AUTH, True)
SKIP = Matched("GET /secret", RouteClass.SKIP, True)
CLIENTS = [f"id:{number}" for number in range(20_000)]

clients = st.text(min_size=1, max_size=40)
shares = st.floats(0, 100)


def _side(client: str | None, state: ControlState, route: Matched = READ, *, shared: bool = False) -> str:
    return decide(route, client, state, challenger="django", shared=shared).backend


def _on_standby(share: float) -> set[str]:
    state = ramping(share)
    return {client for client in CLIENTS if _side(client, state) == "django"}


def _flipped(state: ControlState) -> ControlState:
    return replace(state, active=state.standby, standby=state.active, share=100.0 - state.share, epoch=state.epoch + 1)


@pytest.mark.parametrize("share", [0.0, 1.0, 25.0, 50.0, 99.0, 100.0])
def test_the_share_of_many_clients_is_the_weight(share: float) -> None:
    """Within 1.5 points over 20,000 clients; nobody at 0 and everybody at 100."""
    found = len(_on_standby(share)) / len(CLIENTS) * 100
    assert abs(found - share) < (1.5 if 0 < share < 100 else 1e-9)


def test_raising_a_weight_moves_nobody_back_and_lowering_it_moves_the_last_ones() -> None:
    """The boundary is monotonic (design.md section 3)."""
    quarter, half = _on_standby(25), _on_standby(50)
    assert quarter < half
    assert _on_standby(25) == quarter


@pytest.mark.property_test
@given(clients, shares, shares)
def test_who_is_on_the_standby_at_a_share_is_there_at_every_larger_one(client: str, one: float, other: float) -> None:
    """For every client and every two shares."""
    smaller, larger = sorted((one, other))
    if _side(client, ramping(smaller)) == "django":
        assert _side(client, ramping(larger)) == "django"


@pytest.mark.property_test
@given(clients, shares)
def test_a_flip_moves_nobody(client: str, share: float) -> None:
    """Roles swapped, weights kept: the same backend answers the same client."""
    before = ramping(share)
    after = _flipped(before)
    assert after.weights == pytest.approx(before.weights)
    assert _side(client, after) == _side(client, before)
    assert _side(client, _flipped(after)) == _side(client, before)


@pytest.mark.property_test
@given(clients, shares, st.sampled_from(list(Phase)), st.sampled_from([WRITE, AUTH, SKIP]), st.booleans())
def test_writes_logins_and_sockets_go_to_the_active_side(
    client: str, share: float, phase: Phase, route: Matched, pinned: bool
) -> None:
    """Two masters is what no peer survives (design.md section 2), not even for one tester."""
    state = replace(ramping(share, pins={client: "django"} if pinned else {}), phase=phase)
    decision = decide(route, client, state, challenger="django")
    assert (decision.backend, decision.fallback) == ("node", None)
    assert _side(client, _flipped(state), route) == "django"


@pytest.mark.property_test
@given(shares, st.sampled_from(list(Phase)), st.sampled_from([READ, WRITE, AUTH, SKIP]), st.booleans())
def test_a_client_without_a_key_goes_to_the_active_side(
    share: float, phase: Phase, route: Matched, shared: bool
) -> None:
    """It could not be kept on one side."""
    assert _side(None, replace(ramping(share), phase=phase), route, shared=shared) == "node"


@pytest.mark.property_test
@given(clients, shares, st.sampled_from([Phase.RESTING, Phase.HALTED]), st.booleans())
def test_a_release_that_rests_or_halted_has_the_active_side_answer_everything(
    client: str, share: float, phase: Phase, shared: bool
) -> None:
    """Pinned testers included: the standby may be empty, or broken."""
    state = replace(ramping(share, pins={client: "django"}), phase=phase)
    for route in (READ, WRITE, AUTH, SKIP):
        assert _side(client, state, route, shared=shared) == "node"


@pytest.mark.parametrize(("share", "pin"), [(0.0, "django"), (100.0, "node"), (50.0, "node"), (50.0, "django")])
def test_a_pin_wins_over_the_weight(share: float, pin: str) -> None:
    """Testers can be on the new side at weight 0."""
    for client in CLIENTS[:50]:
        assert _side(client, ramping(share, pins={client: pin})) == pin
    assert _side("id:1", replace(SHADOWING, pins={"id:1": "django"})) == "django"


def test_a_pin_to_a_backend_that_is_not_there_any_more_is_none() -> None:
    """Names may change between two configurations; nobody gets an error for that."""
    for share, side in ((0.0, "node"), (100.0, "django")):
        assert _side("id:1", ramping(share, pins={"id:1": "gone"})) == side


def test_a_route_may_have_a_share_of_its_own() -> None:
    """One endpoint can be cut over at a time."""
    state = ramping(0, route_shares={READ.name: 100.0})
    assert _side("id:1", state) == "django"
    assert _side("id:1", state, Matched("GET /other", RouteClass.READ, True)) == "node"


def test_with_one_database_writes_are_divided_too() -> None:
    """design.md section 2: `data: shared`; what is never mirrored stays."""
    state = ramping(100)
    assert [_side("id:1", state, route, shared=True) for route in (READ, WRITE, AUTH, SKIP)] == [
        "django",
        "django",
        "django",
        "node",
    ]


def test_only_a_read_that_went_to_the_standby_has_a_fallback() -> None:
    """A write on a shared database that failed may have happened."""
    state = ramping(100)
    assert decide(READ, "id:1", state, challenger="django").fallback == "node"
    assert decide(READ, None, state, challenger="django").fallback is None
    assert decide(WRITE, "id:1", state, challenger="django", shared=True).fallback is None


def test_the_copy_goes_to_the_side_that_did_not_answer() -> None:
    """And to nobody where nothing is copied."""
    state = ramping(100)
    away = decide(READ, "id:1", state, challenger="django")
    home = decide(READ, None, state, challenger="django")
    assert (away.copy_to, home.copy_to) == ("node", "django")
    assert held_home(away, state, "down").copy_to == "django"
    for phase in (Phase.RESTING, Phase.HALTED, Phase.COMPLETE):
        assert decide(READ, None, replace(state, phase=phase), challenger="django").copy_to is None
        assert not copies(phase)
    for route in (WRITE, SKIP, Matched("GET /x", RouteClass.READ, False)):
        assert decide(route, "id:1", state, challenger="django").copy_to is None


def test_a_read_held_home_says_why_and_has_no_fallback() -> None:
    """The reason reaches log, header and history unchanged."""
    held = held_home(decide(READ, "id:1", ramping(100), challenger="django"), ramping(100), "it is down")
    assert (held.backend, held.fallback, held.held_home) == ("node", None, "it is down")
    assert held.reason == "held home: it is down"


@pytest.mark.parametrize(
    ("decision", "reason"),
    [
        (decide(READ, "id:1", RESTING, challenger="django"), "the release is resting"),
        (decide(READ, None, ramping(50), challenger="django"), "the client has no key"),
        (decide(WRITE, "id:1", ramping(50), challenger="django"), "write goes to the active side"),
        (decide(READ, "id:1", ramping(12.5), challenger="django"), "12.5 % of the clients read from the standby"),
        (decide(READ, "a", ramping(0, pins={"a": "node"}), challenger="django"), "the client is pinned"),
    ],
)
def test_every_decision_has_its_reason_in_plain_words(decision: Decision, reason: str) -> None:
    """For people who ask why."""
    assert decision.reason == reason


def _table(*matches: str, ignore_case: bool = False) -> RouteTable:
    return RouteTable([Route(match=match) for match in matches], ignore_case=ignore_case)


TABLE = _table(
    "GET /cadets",
    "GET /cadets/me",
    "GET /cadets/{id}",
    "PUT /cadets/{id}",
    "GET /cadets/{id}/grades",
    "* /files/{path...}",
    "GET /files/index",
    "GET /{a}/{b}/{c}/{d}",
    "GET /",
    "DELETE /only",
)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/cadets", "GET /cadets"),
        ("GET", "/cadets/", "GET /cadets"),
        ("HEAD", "/cadets", "GET /cadets"),
        ("GET", "/cadets/me", "GET /cadets/me"),
        ("GET", "/cadets/5", "GET /cadets/{id}"),
        ("GET", "/cadets/5/", "GET /cadets/{id}"),
        ("PUT", "/cadets/me", "PUT /cadets/{id}"),
        ("GET", "/cadets/me/grades", "GET /cadets/{id}/grades"),
        ("GET", "/cadets//grades", "other"),
        ("GET", "/cadets/5/x/y", "GET /{a}/{b}/{c}/{d}"),
        ("POST", "/files/a/b/c", "* /files/{path...}"),
        ("GET", "/files/index", "GET /files/index"),
        ("POST", "/files/index", "* /files/{path...}"),
        ("GET", "/files/index/x", "* /files/{path...}"),
        ("GET", "/", "GET /"),
        ("GET", "/CADETS", "other"),
        ("POST", "/cadets", "other"),
        ("HEAD", "/only", "other"),
        ("OPTIONS", "*", "other"),
        ("GET", "/cadets/%6de", "GET /cadets/me"),
        ("GET", "/c%61dets", "GET /cadets"),
        ("GET", "/cadets%2Fme", "other"),
        ("GET", "/cadets/%2e", "GET /cadets/{id}"),
        ("GET", "/cadets/%zz", "GET /cadets/{id}"),
        ("GET", "/cadets/%", "GET /cadets/{id}"),
    ],
)
def test_the_most_literal_template_wins(method: str, path: str, name: str) -> None:
    """Literal, then parameter, then rest; HEAD as GET; a needless escape changes nothing (RFC 3986 section 6.2.2.2)."""
    assert TABLE.match(method, path).name == name


def test_letter_case_can_be_ignored() -> None:
    """As Express does."""
    table = _table("GET /Cadets/{id}/Grades", ignore_case=True)
    assert table.match("GET", "/cADETS/A/gRADES").name == "GET /Cadets/{id}/Grades"


def test_a_route_says_what_its_requests_are_else_the_method_does() -> None:
    """RFC 9110 section 9.2.1."""
    table = RouteTable([Route(match="POST /search", kind=RouteClass.READ), Route(match="GET /x", mirror=False)])
    assert table.match("POST", "/search").kind is RouteClass.READ
    assert not table.match("GET", "/x").mirror
    for method in ("GET", "HEAD", "OPTIONS"):
        assert table.match(method, "/unknown") == Matched("other", RouteClass.READ, True)
    for method in ("POST", "PUT", "PATCH", "DELETE", "PROPFIND"):
        assert table.match(method, "/unknown") == Matched("other", RouteClass.WRITE, True)


@pytest.mark.property_test
@given(
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=60), st.sampled_from(["GET", "PUT"])
)
def test_every_path_has_a_route(path: str, method: str) -> None:
    """Nothing that a client sends raises, and no name is made up: it is a label of metrics."""
    known = {
        "other",
        *(
            f"{m}"
            for m in (
                "GET /cadets",
                "GET /cadets/me",
                "GET /cadets/{id}",
                "PUT /cadets/{id}",
                "GET /cadets/{id}/grades",
                "* /files/{path...}",
                "GET /files/index",
                "GET /{a}/{b}/{c}/{d}",
                "GET /",
                "DELETE /only",
            )
        ),
    }
    assert TABLE.match(method, "/" + path).name in known


@pytest.mark.parametrize(
    ("match", "path", "expected"),
    [
        ("PUT /cadets/{id}", "/cadets/57", {"id": "57"}),
        ("PUT /cadets/{id}", "/cadets/%35%37/", {"id": "57"}),
        ("PUT /Rooms/{room}/messages", "/rooms/a%20b%2Fc/messages", {"room": "a b/c"}),
        ("DELETE /a/{x}/b/{y}", "/a/1/b/2", {"x": "1", "y": "2"}),
        ("POST /files/{path...}", "/files/a/b", {}),
        ("other", "/anything", {}),
    ],
)
def test_what_stands_in_a_path_is_decoded_as_the_backends_decode_it(
    match: str, path: str, expected: dict[str, str]
) -> None:
    assert parameters(Matched(match, RouteClass.WRITE, True), path) == expected


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("kind", list(RouteClass))
@pytest.mark.parametrize("shared", [False, True])
def test_only_writes_are_journaled_and_only_while_a_standby_with_data_of_its_own_gets_copies(
    phase: Phase, kind: RouteClass, shared: bool
) -> None:
    state = ControlState(version=1, epoch=3, active="a", standby="b", phase=phase)
    decided = decide(Matched("r", kind, True), "id:1", state, challenger="b", shared=shared, journal=True)
    copying = phase in (Phase.SHADOWING, Phase.RAMPING, Phase.WATCHING)
    assert decided.journaled is (kind is RouteClass.WRITE and copying and not shared)
    assert decided.epoch == 3
    assert not decide(Matched("r", kind, True), "id:1", state, challenger="b", shared=shared).journaled
