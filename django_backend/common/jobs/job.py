"""The base of every job: one transaction, only while this backend is active; a failure is tried again, thrice."""

from __future__ import annotations

from typing import Any, ClassVar

import structlog
from celery import Task
from celery.exceptions import Retry
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from common.active import Standing, reading
from common.exceptions import ApplicationError
from common.faults import fault_report
from common.jobs.signs import decision_count

FIRST_WAIT_SECONDS = 60
# Between two looks whether this backend is active (again).
STANDBY_WAIT_SECONDS = 60

log = structlog.get_logger(__name__)


class NotNow(Exception):
    """This backend is not active, or stopped being it while the job ran; what the job wrote is undone."""

    def __init__(self, standing: str) -> None:
        self.standing = standing
        super().__init__(standing)


class Job(Task):
    """A task of this backend; all of its rows are written or none.

    A failure is tried again after 60, 120 and 240 seconds. What no repetition mends is not repeated: a missing row,
    or a refusal by a service. Whatever was lost for good is told to `gave_up`.
    """

    abstract = True
    max_retries = 3
    # A worker that dies leaves its job to the next one. Every job stands being done twice.
    acks_late = True
    reject_on_worker_lost = True
    # One that comes again by itself is left out while this backend is not active; any other waits.
    periodic: ClassVar[bool] = False
    # One that writes no rows has nothing to undo when the roles change meanwhile.
    writes: ClassVar[bool] = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            result = self._done_while_active(*args, **kwargs)
        except NotNow as refusal:
            return self._put_off(refusal)
        except Exception as error:
            self._failed(error, *args, **kwargs)
            raise
        decision_count("ran")
        return result

    def gave_up(self, error: Exception, *args: Any, **kwargs: Any) -> None:
        """Called with the arguments of a job that failed for good."""

    def _done_while_active(self, *args: Any, **kwargs: Any) -> Any:
        found = reading()
        if found.standing is not Standing.ACTIVE:
            raise NotNow(found.standing)
        with transaction.atomic():
            result = self.run(*args, **kwargs)
            # Asked again as late as can be: a flip may have come meanwhile, and these rows would be nobody's.
            if self.writes and reading() != found:
                raise NotNow("overtaken")
        return result

    def _put_off(self, refusal: NotNow) -> str:
        decision_count(refusal.standing)
        if self.periodic:
            return refusal.standing
        if self.request.called_directly or self.request.is_eager:
            raise refusal
        again = self.signature_from_request(countdown=STANDBY_WAIT_SECONDS, retries=self.request.retries)
        again.apply_async()
        raise Retry(exc=refusal, when=STANDBY_WAIT_SECONDS, sig=again)

    def _failed(self, error: Exception, *args: Any, **kwargs: Any) -> None:
        """Have it tried again, or give up."""
        hopeless = isinstance(error, ObjectDoesNotExist | ApplicationError)
        if not hopeless and not self.request.called_directly and self.request.retries < self.max_retries:
            decision_count("retried")
            self.retry(exc=error, countdown=FIRST_WAIT_SECONDS * 2**self.request.retries)
        decision_count("failed")
        log.error("a job failed for good", job=self.name, exc_info=error)
        if not hopeless:
            fault_report(error)
        self.gave_up(error, *args, **kwargs)
