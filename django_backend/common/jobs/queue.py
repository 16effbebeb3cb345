"""Hands jobs over to a worker once what they speak of is committed; copies hand over none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import structlog
from celery import Task
from celery.result import denied_join_result
from django.db import connection
from kombu.exceptions import OperationalError
from redis import RedisError

from common.copies.effects import after_commit
from common.jobs.signs import decision_count, worker_lives

# What nobody did within a day is of no use to anybody any more.
EXPIRES_SECONDS = 24 * 60 * 60

log = structlog.get_logger(__name__)


def queue(job: Task, *args: Any, needed: bool = False) -> None:
    """Have `job` done after the commit. One that is `needed` is done by this process where no worker would do it."""
    after_commit(f"job {job.name}", lambda: _hand_over(job, args, needed))


def _hand_over(job: Task, args: tuple[Any, ...], needed: bool) -> None:
    lives = worker_lives()
    if lives or (lives is False and not needed):
        try:
            # Not tried again here, and nobody listens for what becomes of it: somebody waits for the answer.
            with denied_join_result():
                job.apply_async(args=args, expires=EXPIRES_SECONDS, retry=False)
        except (OperationalError, RedisError) as trouble:
            log.warning("a job could not be handed over", job=job.name, reason=str(trouble))
        else:
            return
    decision_count("here" if needed else "left out")
    if needed:
        threads().submit(_done_here, job, args)


def _done_here(job: Task, args: tuple[Any, ...]) -> None:
    try:
        # As in a worker, except that it is tried again at once.
        job.apply(args=args)
    except Exception:
        # Nobody asks a thread what became of it.
        log.exception("a job was left as it is", job=job.name)
    finally:
        # The connection belongs to the thread, which no request cleans up after.
        connection.close_if_unusable_or_obsolete()


@cache
def threads() -> ThreadPoolExecutor:
    """The thread for jobs that this process does itself. One: a report reads the whole corps, and nobody waits."""
    # Made at the first job, for threads do not survive the fork of a preloading server.
    return ThreadPoolExecutor(1, thread_name_prefix="jobs")
