"""Settings: from the environment only, and a mistake in it stops the start with the name of the variable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from common.tokens import token_user_id
from config import environment

BACKEND = Path(__file__).parents[2] / "django_backend"
COMPLETE = {
    "SECRET_KEY": "s" * 50,
    "JWT_SECRET": "j" * 50,
    "DATABASE_URL": "postgresql://u:p%40ss@db.example:5433/rotc?sslmode=require",
    "REDIS_URL": "redis://cache.example:6379",
    "ALLOWED_HOSTS": "a.example, b.example,",
    "CORS_ALLOWED_ORIGINS": "https://a.example",
}
SHOW = "import django.conf; s = django.conf.settings; import config.{}; print({})"


def started(
    expression: str = "s.ALLOWED_HOSTS", entry: str = "wsgi", **changes: str | None
) -> subprocess.CompletedProcess[str]:
    """A new process that begins as a server does, with the production settings, and prints `expression` of them."""
    variables = {**COMPLETE, "DJANGO_SETTINGS_MODULE": "config.settings.production", **changes}
    given = {name: value for name, value in variables.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-c", SHOW.format(entry, expression)],
        cwd=BACKEND,
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", COMPLETE)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_environment_variables_required(name: str, value: str | None) -> None:
    process = started(**{name: value})
    assert process.returncode != 0
    assert f"ImproperlyConfigured: Set the {name} environment variable" in process.stderr


@pytest.mark.parametrize(
    ("entry", "needed"),
    [("asgi", COMPLETE.keys() - {"CORS_ALLOWED_ORIGINS"}), ("celery", {"SECRET_KEY", "DATABASE_URL", "REDIS_URL"})],
)
def test_every_process_starts_with_what_it_needs_and_no_more(entry: str, needed: set[str]) -> None:
    process = started("(s.ALLOWED_HOSTS, s.JWT_SECRET)", entry, **dict.fromkeys(COMPLETE.keys() - needed))
    assert process.returncode == 0, process.stderr
    for name in needed:
        assert f"ImproperlyConfigured: Set the {name} environment" in started(entry=entry, **{name: ""}).stderr


def test_without_a_secret_no_token_is_made_or_believed(settings: Any) -> None:
    settings.JWT_SECRET = ""
    with pytest.raises(ImproperlyConfigured, match="JWT_SECRET"):
        token_user_id(jwt.encode({"id": 1}, "x" * 32, algorithm="HS256"))


def test_a_list_of_commas_only_is_as_good_as_none() -> None:
    assert "Set the ALLOWED_HOSTS environment variable" in started(ALLOWED_HOSTS=" , ,").stderr


def test_hosts_are_those_of_the_list_and_the_platform() -> None:
    process = started(RENDER_EXTERNAL_HOSTNAME="c.example")
    assert process.stdout.strip() == "['a.example', 'b.example', 'c.example']", process.stderr
    assert started(RENDER_EXTERNAL_HOSTNAME="").stdout.strip() == "['a.example', 'b.example']"


@pytest.mark.parametrize(("value", "message"), [("true", "DEBUG must be false in production"), ("flase", "'flase'")])
def test_production_does_not_start_with_a_wrong_debug(value: str, message: str) -> None:
    process = started(DEBUG=value)
    assert process.returncode != 0
    assert message in process.stderr


def test_both_kinds_of_secret_come_from_their_own_variable() -> None:
    assert started("(s.SECRET_KEY[0], s.JWT_SECRET[0])").stdout.strip() == "('s', 'j')"


def test_a_database_url_becomes_settings() -> None:
    found = environment.database_settings(COMPLETE["DATABASE_URL"])
    assert (found["NAME"], found["USER"], found["PASSWORD"]) == ("rotc", "u", "p@ss")
    assert (found["HOST"], found["PORT"]) == ("db.example", "5433")
    assert found["OPTIONS"]["sslmode"] == "require"
    assert found["OPTIONS"]["connect_timeout"] == 3


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "postgresql://x:port/y"])
def test_another_database_is_refused_by_the_name_of_the_variable(url: str) -> None:
    assert "ImproperlyConfigured: DATABASE_URL must be a postgresql:// URL" in started(DATABASE_URL=url).stderr


def test_words_for_true_and_false_are_understood_and_no_others() -> None:
    assert [flag_of(word) for word in ("true", "1", "YES", " on ")] == [True] * 4
    assert [flag_of(word) for word in ("false", "0", "No", "off", "", None)] == [False] * 6
    for word in ("tru", "2", "none"):
        with pytest.raises(ImproperlyConfigured, match="A_FLAG"):
            flag_of(word)


def flag_of(word: str | None) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("A_FLAG", raising=False)
        if word is not None:
            patch.setenv("A_FLAG", word)
        return environment.flag("A_FLAG")


def test_a_number_must_be_one() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("A_NUMBER", "12")
        assert environment.number("A_NUMBER", default=5) == 12
        patch.setenv("A_NUMBER", "")
        assert environment.number("A_NUMBER", default=5) == 5
        patch.setenv("A_NUMBER", "-1")
        with pytest.raises(ImproperlyConfigured, match="A_NUMBER"):
            environment.number("A_NUMBER", default=5)


@pytest.mark.property_test
@given(st.text())
def test_a_comma_list_never_has_an_empty_part(value: str) -> None:
    parts = environment.items(value)
    assert all(part and part == part.strip() and "," not in part for part in parts)
    assert environment.items(",".join(parts)) == parts
