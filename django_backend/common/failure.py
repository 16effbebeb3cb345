"""What a failure says to the client, whatever raised it."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.core import exceptions as django_errors
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.db import Error as DatabaseTrouble
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions as framework_errors

from common.exceptions import ApplicationError

# PostgreSQL's SQLSTATE, or its class, and what it says about the request. Everything else is a fault of ours.
CONFLICTS = frozenset({"23505", "23P01"})
REFUSED_CLASSES = frozenset({"22", "23", "54"})
READ_ONLY = "25006"
PASSING_CLASSES = frozenset({"08", "40", "53", "55", "57"})


@dataclass(frozen=True)
class Failure:
    """A status and what the envelope says beside it. `code` is for programs, `message` for people."""

    status: HTTPStatus
    code: str
    message: str
    details: Any = field(default_factory=dict)

    @property
    def envelope(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": self.status.phrase, "message": self.message, "code": self.code, "details": self.details}


NOT_FOUND = Failure(HTTPStatus.NOT_FOUND, "NOT_FOUND", "Not found")
BAD_REQUEST = Failure(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", "Bad request")
TOO_LARGE = Failure(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "BODY_TOO_LARGE", "Request body too large")
IN_USE = Failure(HTTPStatus.CONFLICT, "CONFLICT", "Other rows refer to this one")
FORBIDDEN = Failure(HTTPStatus.FORBIDDEN, "PERMISSION_DENIED", "Access denied")
METHOD_NOT_ALLOWED = Failure(HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "Method not allowed")
COPY_WROTE = Failure(HTTPStatus.CONFLICT, "COPY_MUST_NOT_WRITE", "A mirrored request must not write")
UNAVAILABLE = Failure(HTTPStatus.SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", "The database cannot be reached")
INTERNAL = Failure(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "Internal server error")


def failure_of(error: Exception) -> Failure:
    """What to answer for `error`. What nobody foresaw is a 500 that says nothing of what went wrong inside."""
    match error:
        case ApplicationError():
            return Failure(error.status, error.code, error.message, error.details)
        case framework_errors.APIException():
            return _of_framework(error)
        case ProtectedError() | RestrictedError():
            return IN_USE
        case DatabaseTrouble():
            return _of_database(error)
        case Http404():
            return NOT_FOUND
        case django_errors.PermissionDenied():
            return FORBIDDEN
        case django_errors.RequestDataTooBig():
            return TOO_LARGE
        case django_errors.SuspiciousOperation() | UnreadablePostError():
            return BAD_REQUEST
    return INTERNAL


def _of_framework(error: framework_errors.APIException) -> Failure:
    status = HTTPStatus(error.status_code)
    if isinstance(error, framework_errors.ValidationError):
        return Failure(status, "VALIDATION_ERROR", "Invalid input", error.detail)
    return Failure(status, error.default_code.upper(), str(error.detail))


def _of_database(error: DatabaseTrouble) -> Failure:
    """Tell a bad request from a database in trouble by what PostgreSQL said, never by its text: that stays inside."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or ""
    constraint = getattr(getattr(cause, "diag", None), "constraint_name", None)
    details = {"constraint": constraint} if constraint else {}
    if state in CONFLICTS:
        return Failure(HTTPStatus.CONFLICT, "CONFLICT", "Already exists", details)
    if state == READ_ONLY:
        return COPY_WROTE
    if state[:2] in REFUSED_CLASSES or isinstance(error, DataError | IntegrityError):
        return Failure(HTTPStatus.BAD_REQUEST, "INVALID_DATA", "The database refuses this value", details)
    if state[:2] in PASSING_CLASSES or isinstance(error, OperationalError | InterfaceError):
        return UNAVAILABLE
    return INTERNAL
