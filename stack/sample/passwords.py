"""Twenty real bcrypt hashes at Node's cost 10, so that seeding thirty thousand users takes no bcrypt."""

from __future__ import annotations

import re
from base64 import b64encode
from random import Random

from stack.sample.population import KNOWN_BY_ID, cadet_of_user

HASHES: dict[str, str] = {
    "Parade-Ground-1": "$2a$10$9fNNgyH9VP6g4n6kkka.iu3NO5NTguXZWdx0CdwYmunzBiT4NuChq",
    "Left-Face-Right": "$2a$10$V.LhpNYpH7hRTce8XqI7C.tFY./oQ4o.MfnKkz8yBG5WvhV30Sa1.",
    "Tanglaw2024!": "$2a$10$XOv42z3oJXjQvHnZEwKSO.ueBtXJbdyhLYet5mIQMnuUfFuMlRp4q",
    "Salute the Flag": "$2a$10$R65jblN433Gk.GwCAMHZTesyRkEUB2fM0TudbkI4IqWk/bY9Kyoiy",
    "mabuhay ka": "$2a$10$MFOGCv7YWfw5jE9/KB0yUuvTIsFtrc3/g.okjKKGMHpBveSInVltO",
    "reveille0500": "$2a$10$M0VSoFgMsKxYQ0LBFPqpV.4XNycHa8PUTtO8Ic/4bksb09ZGusdp6",
    "Bayanihan#7": "$2a$10$42pj.lsE7kUxZau03PEqieMJbLoJEQ4sQ8eyutAMHyF3tR0L.plUS",
    "Formation_Alpha": "$2a$10$IIEDCzTgDc44lQWpf5lEzOY9..bXwyUbcMCN1qhgIO3uA6Gzeawr2",
    "cadence-count-4": "$2a$10$8OZpyjbkIxItUAn7Xo0/fuz3E4xTcOXFMO13GPhZxhQRH568R8rKW",
    "Lakambini88": "$2a$10$nh3bzTFllH5MUhuCop7.m.R8HR9hYodssm2NocrBPvIkTeTue9GUy",
    "drill&ceremony": "$2a$10$wiDHEymJNPSSAXB.EMiFz.b5u4vph76xANSgavkcuzadjL0XrojZ.",
    "Sta. Cruz Española ñÑ": "$2a$10$B2YVT54vmGAEmS0yNZ6V0eHTQbc8./EoViuAVHdUsg4VmluhBTyxO",
    "kompas at mapa": "$2a$10$hXj6yh7voLuSUAmEKt.//upr8bi183fd86MunipH087c8Ga9rjnx2",
    "Platoon-Leader-3": "$2a$10$JOITMxUDiDKngiLe7AxdHOAonFCyXgFkp9SJz76quV5NLX/NN4DFS",
    "field.manual.7-8": "$2a$10$bGxw7oIJcvcJMIDubc0i8uJGP99r6KA9PlqH90g64dydji5uuFcXe",
    "ang bayan muna": "$2a$10$oA54Wfr4F8wlOh.hoEDPMucxOe4q3dzOOsSpYlRU.FM/zl/a3HWFq",
    "guidon-bearer": "$2a$10$V55pv7da3mhdSji0Fu7kyOsXN6Dpbk22mNmUyDQ1Mra/yO8GIhpl6",
    "Mess Kit 12": "$2a$10$Iy9bAmhIW1b5m.Tt7YLQR.SVxBCrsqajWqSxm7eVeQNT8y6TeTFKW",
    "pag-asa ng bayan": "$2a$10$hZGB8BWhQK5ac3XUNqJZ3.kmaFpS2N64Ap9UNrv84QjFUA2n.KFDK",
    # Node cuts at 72 bytes, so only the beginning of this one counts.
    "a passphrase that goes on for more than seventy-two bytes, of which the rest counts for nothing":
        "$2a$10$aOEh2SpEKhxaEsrVRsfwAelXbEnc/jjViXxJpSTUizOzAKcvtQtA6",
}  # fmt: skip
PLAIN = tuple(HASHES)
_HASH = re.compile(r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}")


def password_of_user(user: int) -> str | None:
    """The plain password of an account; None for cadets who were imported with a text that is no hash."""
    if user in KNOWN_BY_ID:
        return KNOWN_BY_ID[user].password
    if cadet_of_user(user) is not None and user % 9 == 4:
        return None
    return PLAIN[user % len(PLAIN)]


def stored_by_node(user: int) -> str:
    """What Node's password column holds: a hash, or 56 characters that look like one and are none."""
    plain = password_of_user(user)
    if plain is not None:
        return HASHES[plain]
    return b64encode(Random(f"import/{user}").randbytes(42)).decode()


def stored_by_django(stored: str) -> str:
    """The same in Django's column: a hash behind the name of its hasher, anything else behind the mark of none."""
    return f"bcrypt${stored}" if _HASH.fullmatch(stored) else f"!{stored}"
