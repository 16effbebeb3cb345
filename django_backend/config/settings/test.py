"""Tests: the real settings; only the secrets have values of their own, and the servers come from the environment."""

from __future__ import annotations

import os

os.environ.setdefault("SECRET_KEY", "a secret key that only the tests use")
os.environ.setdefault("JWT_SECRET", "a token secret that only the tests use")
# So that tests which need no server run without one; those which do bring the addresses with them.
os.environ.setdefault("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:6379")

from config.settings.base import *  # noqa: F403

# A connection that outlives its request would keep the test database from being dropped.
DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
