"""The journal's keys: given by the operator or kept; a mistake in them is told without showing a key."""

from __future__ import annotations

import secrets
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import ConfigError
from proxy.keyring import keyring
from shadow.dualwrite.sealing import MissingKey

ONE, OTHER = b"1" * 32, b"2" * 32


def written(**keys: bytes) -> str:
    return ",".join(f"{id}:{b64encode(key).decode()}" for id, key in keys.items())


def test_the_first_key_seals_and_the_others_open(tmp_path: Path) -> None:
    ring = keyring(written(new=ONE, old=OTHER), tmp_path / "key")
    assert (ring.current, dict(ring.keys)) == ("new", {"new": ONE, "old": OTHER})
    assert not (tmp_path / "key").exists()


@pytest.mark.property_test
@given(st.binary(min_size=32, max_size=32))
def test_either_alphabet_of_base64_is_read_with_and_without_padding(key: bytes) -> None:
    texts = {b64encode(key).decode(), urlsafe_b64encode(key).decode()}
    for text in texts | {text.rstrip("=") for text in texts}:
        assert keyring(f" k:{text} ", Path("/nowhere")).keys == {"k": key}


def test_a_key_is_made_once_and_goes_on_opening_what_it_sealed(tmp_path: Path) -> None:
    made = keyring("", tmp_path / "key")
    assert keyring("", tmp_path / "key") == made
    sealed = made.seal(b"kept", "here")
    later = keyring(written(new=ONE), tmp_path / "key")
    assert later.current == "new"
    assert later.open(sealed, "here", made.current) == b"kept"


def test_the_kept_key_of_another_machine_is_another_one_by_its_name(tmp_path: Path) -> None:
    here, there = keyring("", tmp_path / "a"), keyring("", tmp_path / "b")
    with pytest.raises(MissingKey, match=there.current):
        here.check([there.current])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("k", "32 bytes"),
        (b64encode(ONE).decode(), "expected an id"),
        (f":{b64encode(ONE).decode()}", "expected an id"),
        (f"k:{b64encode(b'short').decode()}", "32 bytes"),
        ("k:***", "32 bytes"),
        (f"{written(k=ONE)},{written(k=OTHER)}", "twice"),
        (f"{written(k=ONE)},", "key 2"),
    ],
)
def test_a_mistake_in_the_keys_is_told_and_shows_none(tmp_path: Path, wrong: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        keyring(wrong, tmp_path / "key")
    assert b64encode(ONE).decode() not in str(refused.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        keyring("a,b:x,c:y", tmp_path / "key")
    assert len(refused.value.mistakes) == 3


def test_a_kept_key_that_was_damaged_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(secrets.token_urlsafe(20))
    with pytest.raises(ConfigError, match="bring back"):
        keyring("", tmp_path / "key")
