"""The base of every operation."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.http import QueryDict
from django.utils import timezone
from rest_framework.views import APIView

from common.copies.current import pins
from common.openapi.description import Description

if TYPE_CHECKING:
    from apps.authentication.models import User


class Api(APIView):
    """One operation of one path: checks what came, calls one service or selector, answers.

    Without more words it is for every user with a token; `permission_classes` narrows that. `description` says for
    the page of the API what it takes and answers.
    """

    description: ClassVar[Description]

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: the methods of the path are known to the path, not to one of its operations."""
        return {}

    @property
    def viewer(self) -> User:
        """Who is asking. Only operations that need no token have nobody here."""
        return cast("User", self.request.user)

    @property
    def now(self) -> datetime:
        """The time of this request; for a replay that of the original."""
        return pins().now or timezone.now()

    @property
    def actor(self) -> int:
        """Who is to be named in the rows that this request writes; for a replay who was named in the original's."""
        return pins().actor or self.viewer.pk

    def fields(self) -> dict[str, Any]:
        """The object in the body; an array has no fields, as in the legacy backend.

        A form cannot say NULL, so an empty field means it.
        """
        body = self.request.data
        if isinstance(body, QueryDict):
            return {name: value or None for name, value in self.request.POST.items()}
        return body if isinstance(body, dict) else {}

    def is_form(self) -> bool:
        """Whether the body is a form, which may hold files."""
        return isinstance(self.request.data, QueryDict)
