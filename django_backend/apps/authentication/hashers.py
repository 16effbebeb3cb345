"""Verifies the password hashes that Node wrote, and writes such as Node can verify."""

from __future__ import annotations

import re

import bcrypt
from django.contrib.auth.hashers import BCryptPasswordHasher
from django.utils.crypto import constant_time_compare

# bcrypt looks at this many bytes. Node cuts what is longer in silence, the Python library raises.
LONGEST_PASSWORD = 72
NODE_HASH = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}", re.ASCII)


class NodeBcryptHasher(BCryptPasswordHasher):
    """bcrypt as bcryptjs does it; a hash is stored as `bcrypt$` and the 60 characters of Node.

    No stored text makes it raise: what is no hash matches no password. No hash is ever rewritten at login, so that
    every one of them still works after a rollback to Node.
    """

    rounds = 10

    def encode(self, password: str, salt: str | bytes) -> str:
        """The stored form of `password` under `salt`."""
        # JSON can carry half a surrogate pair. bcryptjs never comes to an end with one, so no hash of Node's has it.
        shortened = password.encode("utf-8", "surrogatepass")[:LONGEST_PASSWORD]
        salt = salt.encode("ascii") if isinstance(salt, str) else salt
        return f"{self.algorithm}${bcrypt.hashpw(shortened, salt).decode('ascii')}"

    def verify(self, password: str, encoded: str) -> bool:
        """Whether `password` is the one that was hashed; False for a stored text that is no hash."""
        _, _, node_hash = encoded.partition("$")
        if not NODE_HASH.fullmatch(node_hash):
            return False
        try:
            return constant_time_compare(encoded, self.encode(password, node_hash))
        except ValueError:
            # It looks like a hash, and the library still knows better: a cost that does not exist.
            return False

    def must_update(self, encoded: str) -> bool:
        """Never: Node must be able to read every hash until it is gone."""
        return False

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to even out: no hash is ever updated."""
