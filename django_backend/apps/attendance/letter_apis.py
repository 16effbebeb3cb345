"""The operations on excuse letters of the group `attendance`."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from apps.attendance.access import access_letter_cadet, access_letters_in_list
from apps.attendance.letters import STATUSES, letter_create, letter_judge
from apps.attendance.selectors import letter_list
from common.api import Api
from common.bodies import require
from common.exceptions import InvalidInput
from common.inputs import Reader, day, integer, path_id, read, text, whole_number
from common.pagination import listing, page_asked
from common.permissions import IsStaffMember
from common.uploads import FORM_OR_JSON, uploads_in


class LetterListApi(Api):
    """Lists letters, newest first, a page at a time; a cadet sees its own."""

    def get(self, request: Request) -> Response:
        query = request.query_params
        letters = letter_list(access_letters_in_list(self.viewer), query.get("status", ""))
        return Response(listing(letters, page_asked(query)))


class LetterCreateApi(Api):
    """Hands in a letter, as a form with a file or as JSON."""

    parser_classes = FORM_OR_JSON
    # Name in the API, column, and how it is read.
    columns: ClassVar[dict[str, tuple[str, Reader]]] = {
        "cadetId": ("cadet_id", whole_number),
        "trainingDayId": ("training_day_id", integer),
        "dateAbsent": ("date_absent", day),
        "reason": ("reason", text),
    }

    def post(self, request: Request) -> Response:
        given = self.fields()
        given = {**given, "cadetId": access_letter_cadet(self.viewer, given.get("cadetId"))}
        require(given, ["cadetId", "dateAbsent"], "Cadet and date are required")
        found = read(given, {name: reader for name, (_, reader) in self.columns.items()})
        values = {self.columns[name][0]: value for name, value in found.items()}
        file = next(iter(uploads_in(request, "file")), None)
        return Response(letter_create(values=values, file=file, now=self.now), status=201)


class LetterJudgeApi(Api):
    """Approves or rejects a letter, or puts it back."""

    permission_classes = (IsStaffMember,)

    def put(self, request: Request, letter_id: str) -> Response:
        status = self.fields().get("status")
        if status not in STATUSES:
            raise InvalidInput("Invalid status", {"status": [f"must be one of {', '.join(STATUSES)}"]})
        return Response(letter_judge(letter_id=path_id(letter_id), status=status, now=self.now))
