"""The journal's keys: those that an operator gives, else one that was made here and is kept."""

from __future__ import annotations

import re
from base64 import b64decode
from hashlib import blake2b
from pathlib import Path

from proxy.errors import ConfigError
from proxy.secret import kept_secret
from proxy.surroundings import JOURNAL_KEYS
from shadow.dualwrite.sealing import Keyring

_SIZE = 32
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


def keyring(written: str, kept: Path) -> Keyring:
    """The keys in `written` (`id:base64,id2:base64`, the first one seals), else the one in the file `kept`.

    A kept key goes on opening what it sealed after others were given. Raises ConfigError with every mistake.
    """
    if not written:
        id, key = _kept(kept)
        return Keyring({id: key}, id)
    given = _given(written)
    older = dict([_kept(kept)]) if kept.exists() else {}
    return Keyring(older | given, next(iter(given)))


def _given(written: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    mistakes = []
    for place, part in enumerate(written.split(","), 1):
        id, _, text = part.strip().partition(":")
        key = _key(text)
        if not _ID.fullmatch(id):  # what is wrong is not shown: it may be a key
            mistakes.append(
                f"{JOURNAL_KEYS}: key {place}: expected an id of letters, digits, `_`, `.` and `-` before a colon"
            )
        elif id in keys:
            mistakes.append(f"{JOURNAL_KEYS}: the id {id!r} is there twice")
        elif key is None:
            mistakes.append(
                f"{JOURNAL_KEYS}: {id}: expected {_SIZE} bytes in base64, such as `openssl rand -base64 32` prints"
            )
        else:
            keys[id] = key
    if mistakes:
        raise ConfigError(mistakes)
    return keys


def _kept(path: Path) -> tuple[str, bytes]:
    """Its id tells it from the key that another machine has made."""
    key = _key(kept_secret(path, JOURNAL_KEYS))
    if key is None:
        raise ConfigError([f"{path} holds no key of {_SIZE} bytes in base64: bring back the file as it was"])
    return f"kept-{blake2b(key, digest_size=4, person=b'cutover.key').hexdigest()}", key


def _key(text: str) -> bytes | None:
    """Either alphabet of base64, with its padding or without."""
    plain = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        key = b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        return None
    return key if len(key) == _SIZE else None
