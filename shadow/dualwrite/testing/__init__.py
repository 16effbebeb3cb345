"""A journal in memory that is shipped for tests, and writes to try it with."""

from shadow.dualwrite.testing.journal import InMemoryJournal
from shadow.dualwrite.testing.made import CREATED, an_intent, done
from shadow.dualwrite.testing.writes import Roles

__all__ = ["CREATED", "InMemoryJournal", "Roles", "an_intent", "done"]
