"""What services, selectors and access rules raise; each class is one answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar


class ApplicationError(Exception):
    """The request cannot be done as it was asked. `details` is for programs: an object or a list."""

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST
    code: ClassVar[str] = "BAD_REQUEST"
    message = "Bad request"

    def __init__(self, message: str | None = None, details: dict[str, Any] | list[Any] | None = None) -> None:
        self.message = message or self.message
        self.details = {} if details is None else details
        super().__init__(self.message)


class MalformedJson(ApplicationError):
    """The body is not the JSON that it says it is."""

    code = "MALFORMED_JSON"
    message = "Malformed JSON"


class InvalidInput(ApplicationError):
    """A value is missing, or not of a kind that the column can hold. `details` names it."""

    code = "VALIDATION_ERROR"
    message = "Invalid input"


class TokenMissing(ApplicationError):
    """Nobody said who is asking."""

    status = HTTPStatus.UNAUTHORIZED
    code = "NOT_AUTHENTICATED"
    message = "No token provided"


class LoginRefused(ApplicationError):
    """No user has this name and this password. It does not say which of the two is wrong."""

    status = HTTPStatus.UNAUTHORIZED
    code = "INVALID_CREDENTIALS"
    message = "Invalid credentials"


class TokenRefused(ApplicationError):
    """The token is damaged, expired, signed by somebody else, or its user is gone."""

    status = HTTPStatus.FORBIDDEN
    code = "INVALID_TOKEN"
    message = "Session expired or invalid token"


class AccessDenied(ApplicationError):
    """Who is asking is known, and may not."""

    status = HTTPStatus.FORBIDDEN
    code = "PERMISSION_DENIED"
    message = "Access denied"


class Missing(ApplicationError):
    """There is no such thing."""

    status = HTTPStatus.NOT_FOUND
    code = "NOT_FOUND"
    message = "Not found"


class BodyTooLarge(ApplicationError):
    """The body is larger than either backend reads."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "BODY_TOO_LARGE"
    message = "Request body too large"


class FileTooLarge(BodyTooLarge):
    """An uploaded file is larger than either backend keeps."""

    code = "FILE_TOO_LARGE"
    message = "File too large"


class FileRefused(ApplicationError):
    """The bytes of an uploaded file are of a kind that is not kept, or not of the kind that the client named."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "UNSUPPORTED_FILE"
    message = "Files of this kind are not accepted"


class UploadFailed(ApplicationError):
    """The store of the files does not take any at the moment; `reason` is for people."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "UPLOAD_FAILED"

    def __init__(self, reason: str) -> None:
        super().__init__(f"File upload failed: {reason}")


class UploadRefused(UploadFailed):
    """The store does not take this file."""

    status = HTTPStatus.BAD_REQUEST
    code = "UPLOAD_REFUSED"


class NotReady(ApplicationError):
    """It will be there later."""

    status = HTTPStatus.CONFLICT
    code = "NOT_READY"
    message = "Not ready"
