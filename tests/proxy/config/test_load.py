"""A configuration is read whole or refused whole, with every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import json_schema, parse, read
from proxy.config.routes import RouteClass
from proxy.errors import ConfigError

SMALLEST = """
backends:
  node:   { url: "http://127.0.0.1:3001", health: /health }
  django: { url: "http://127.0.0.1:8000", ws: "http://127.0.0.1:8001", health: /api/health }
active: node
"""


def mistakes_of(text: str, **environment: str) -> tuple[str, ...]:
    """Every mistake that the text is refused for."""
    with pytest.raises(ConfigError) as refused:
        parse(text, environment)
    return refused.value.mistakes


def test_the_smallest_configuration_works_and_everything_else_has_a_default() -> None:
    config = parse(SMALLEST, {})
    assert config.names == ("node", "django")
    assert config.other("node") == "django"
    assert config.backends["django"].ws == "http://127.0.0.1:8001"
    assert config.mirror.percent == 100
    assert config.guard.rules[0].window == 120
    assert config.listen.control_host == "127.0.0.1"


def test_every_mistake_is_reported_at_once_each_with_its_path() -> None:
    found = mistakes_of(
        """
        backends:
          node: { url: "ftp://x", health: health, surprise: 1 }
          django: { }
        active: nobody
        mirror: { percent: 140 }
        guard: { rules: [{ window: 5 parsecs }] }
        routes: [{ match: "get /x" }]
        typo: 1
        """
    )
    for path in (
        "backends.node.url", "backends.node.health", "backends.node.surprise", "backends.django.url", "active",
        "mirror.percent", "guard.rules.0.window", "routes.0.match", "typo",
    ):  # fmt: skip
        assert any(mistake.startswith(f"{path}: ") for mistake in found), f"{path} is missing in {found}"


def test_an_unknown_setting_is_a_mistake_and_not_ignored() -> None:
    assert mistakes_of(SMALLEST + "mirrors: {}\n") == ("mirrors: is not a known setting",)


def test_a_setting_given_twice_is_a_mistake_where_yaml_would_take_the_last() -> None:
    assert "is there twice" in mistakes_of(SMALLEST + "active: django\n")[0]


@pytest.mark.parametrize("text", ["", "[]", "42", "- a\n- b", "\t", "a: [", "{backends: }", "\x00", "? {a: b}\n: c"])
def test_what_is_no_configuration_at_all_is_refused_in_words(text: str) -> None:
    assert mistakes_of(text)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_there_are_exactly_two_backends(count: int) -> None:
    backends = {f"b{n}": {"url": f"http://127.0.0.1:{n + 1}"} for n in range(count)}
    assert mistakes_of(yaml.safe_dump({"backends": backends, "active": "b0"}))


def test_a_variable_is_substituted_with_its_default_where_it_is_not_set() -> None:
    text = SMALLEST.replace("127.0.0.1:3001", "${HOST:-localhost}:${PORT}") + 'token: "a$$b"\n'
    config = parse(text, {"PORT": "9000"})
    assert config.backends["node"].url == "http://localhost:9000"
    assert config.token == "a$b"


def test_a_missing_variable_is_named() -> None:
    assert any("NOPE" in mistake for mistake in mistakes_of(SMALLEST + "token: ${NOPE}\n"))


def test_a_value_that_is_one_variable_may_be_a_number_or_nothing() -> None:
    text = SMALLEST + "listen: { port: '${P}' }\nstore: { database: '${DB:-}' }\n"
    config = parse(text, {"P": "9001"})
    assert (config.listen.port, config.store.database) == (9001, None)


def test_a_variable_without_its_quotes_is_explained() -> None:
    assert "needs quotes" in mistakes_of(SMALLEST + "listen: { port: ${P} }\n", P="1")[0]


def test_a_wrong_secret_is_not_repeated_in_the_complaint() -> None:
    assert not any("hunter2" in mistake for mistake in mistakes_of(SMALLEST + "token: [hunter2]\n"))


@pytest.mark.parametrize(
    "url", ["http://h/path", "http://h?q", "http://u:p@h", "//h", "h:80", "http://", "http://h:99999", "http://h:x"]
)
def test_a_backends_url_is_scheme_host_and_port(url: str) -> None:
    assert mistakes_of(SMALLEST.replace("http://127.0.0.1:3001", url))


def test_a_rule_for_a_route_that_does_not_exist_is_a_mistake() -> None:
    text = SMALLEST + 'compare: { rules: [{ name: a, kind: ignore, reason: b, routes: ["GET /nowhere"] }] }\n'
    assert "GET /nowhere" in mistakes_of(text)[0]


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ('lanes: ["a//b"]', "routes.0.lanes.0: "),
        ('lanes: ["a/x{id}"]', "routes.0.lanes.0: "),
        ('lanes: ["a/{cookie.id}"]', "routes.0.lanes.0: "),
        ('lanes: ["a", "a/{nobody:int}"]', "routes.0.lanes.1: the path has no {nobody}"),
        ('pins: {"id": "id"}', "routes.0.pins.id"),
        ('pins: {"ids.grades": "a b"}', "routes.0.pins.ids.grades: "),
        ("sequence: grades_id_seq", "routes.0.sequence: "),
        ("refuses_with_500: [nobody]", "routes.0.refuses_with_500: "),
    ],
)
def test_a_mistake_in_what_a_write_needs_is_told_with_its_path(setting: str, complaint: str) -> None:
    found = mistakes_of(f"{SMALLEST}\nroutes: [{{match: 'PUT /x/{{id}}', {setting}}}]")
    assert [mistake.startswith(complaint) for mistake in found] == [True], found


def test_who_refuses_with_500_says_in_which_words() -> None:
    route = "routes: [{match: 'PUT /x/{id}', refuses_with_500: [node]}]"
    assert [mistake.partition(":")[0] for mistake in mistakes_of(f"{SMALLEST}\n{route}")] == ["backends.node.refusals"]
    text = SMALLEST.replace("node:   { ", "node: { refusals: [violates], ")
    assert parse(f"{text}\n{route}", {}).backends["node"].refusals == ("violates",)


def test_what_a_write_needs_may_come_from_path_body_and_token() -> None:
    lanes = '["a/{id:int}", "b/{body.rows[*].id}", "c/{claim.id?}"]'
    (route,) = parse(f"{SMALLEST}\nroutes: [{{match: 'PUT /x/{{id}}', lanes: {lanes}}}]", {}).routes
    assert len(route.lanes) == 3


@pytest.mark.parametrize("rows", ["mapping: uniforms", "mapping: rotc, zones: {nowhere.at: UTC}"])
def test_rows_correspond_as_somebody_declared_or_not_at_all(rows: str) -> None:
    (mistake,) = mistakes_of(f"{SMALLEST}\nrows: {{{rows}}}")
    assert mistake.startswith("rows.mapping: ")
    assert parse(SMALLEST, {}).rows.declared() is None


def test_two_rules_may_not_share_a_name() -> None:
    rule = "{ name: same, kind: ignore, reason: b }"
    assert "same" in mistakes_of(SMALLEST + f"compare: {{ rules: [{rule}, {rule}] }}\n")[0]


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "missing.yaml", {})
    (tmp_path / "latin.yaml").write_bytes(b"active: caf\xe9")
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "latin.yaml", {})


def test_a_routes_class_may_be_left_to_its_method() -> None:
    config = parse(SMALLEST + 'routes: [{ match: "GET /a/{id}" }, { match: "POST /login", kind: auth }]\n', {})
    assert [route.kind for route in config.routes] == [None, RouteClass.AUTH]


@pytest.mark.property_test
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20), lambda inner: (
    st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
), max_leaves=12))  # fmt: skip
def test_no_document_breaks_the_reader(document: object) -> None:
    try:
        parse(yaml.safe_dump(document), {})
    except ConfigError as refused:
        assert refused.mistakes


def test_the_schema_names_every_part_of_the_file() -> None:
    schema = json_schema()
    assert {"backends", "active", "routes", "mirror", "compare", "guard"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False
