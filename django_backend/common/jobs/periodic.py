"""A job of the schedule."""

from __future__ import annotations

from common.jobs.job import Job


class Periodic(Job):
    """It comes again by itself, so that one which cannot run now is left out."""

    abstract = True
    periodic = True
