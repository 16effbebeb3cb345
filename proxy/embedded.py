"""Real PostgreSQL and Redis from their PyPI wheels, for a machine that has no servers of its own."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import psycopg
import redis
from psycopg import sql
from psycopg.conninfo import make_conninfo

from proxy.embedded_launch import Account, EmbeddedError, has_way, home_for, reachable_copy, spawn

__all__ = ["EmbeddedError", "EmbeddedPostgres", "EmbeddedRedis", "ensure_database", "free_port"]
