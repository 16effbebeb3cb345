"""The base of every operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rest_framework.views import APIView

if TYPE_CHECKING:
    from apps.authentication.models import User


class Api(APIView):
    """One operation of one path: checks what came, calls one service or selector, answers.

    Without more words it is for every user with a token; `permission_classes` narrows that.
    """

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: the methods of the path are known to the path, not to one of its operations."""
        return {}

    @property
    def viewer(self) -> User:
        """Who is asking. Only operations that need no token have nobody here."""
        return cast("User", self.request.user)

    def fields(self) -> dict[str, Any]:
        """The object in the body; an array has no fields, as in the legacy backend."""
        body = self.request.data
        return body if isinstance(body, dict) else {}
