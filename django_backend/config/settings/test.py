"""Tests: the real settings; only the secrets have values of their own, and the servers come from the environment."""

from __future__ import annotations

import os

os.environ.setdefault("SECRET_KEY", "a secret key that only the tests use")
os.environ.setdefault("JWT_SECRET", "a token secret that only the tests use")
# Nobody listens there. So tests that need no server run without one; those that do bring its address with them.
NO_DATABASE = "postgresql://nobody@127.0.0.1:1/nowhere"
NO_REDIS = "redis://127.0.0.1:1"
os.environ.setdefault("DATABASE_URL", NO_DATABASE)
os.environ.setdefault("REDIS_URL", NO_REDIS)
# A busy machine is no Redis that is gone.
os.environ.setdefault("REDIS_PATIENCE_MS", "2000")

from config.settings.base import *  # noqa: E402, F403

# A connection that outlives its request would keep the test database from being dropped.
DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405
# The runner of the tests has its own ways with logs.
LOGGING_CONFIG = None
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
