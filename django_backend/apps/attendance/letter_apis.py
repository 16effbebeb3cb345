"""The operations on excuse letters of the group `attendance`."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from apps.attendance.access import access_letter_cadet, access_letters_in_list
from apps.attendance.letters import STATUSES, letter_create, letter_judge
from apps.attendance.models import ExcuseLetter
from apps.attendance.selectors import letter_list
from common.api import Api
from common.bodies import require
from common.exceptions import InvalidInput
from common.inputs import Reader, day, integer, path_id, read, text, whole_number
from common.openapi.description import described, listed
from common.openapi.shapes import BYTES, body_of, form_of, readers_of, row_of_table
from common.pagination import listing, page_asked
from common.permissions import IsStaffMember
from common.uploads import FORM_OR_JSON, uploads_in


class LetterListApi(Api):
    """Lists letters, newest first, a page at a time; a cadet sees its own."""

    description = listed(ExcuseLetter, "status")

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
    description = described(
        row_of_table(ExcuseLetter),
        status=201,
        json=body_of(readers_of(columns), required=["dateAbsent"]),
        form=form_of(columns, required=["dateAbsent"], file=BYTES),
    )

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
    description = described(
        row_of_table(ExcuseLetter),
        json=body_of({}, required=["status"], status={"enum": list(STATUSES)}),
        refuses=[404],
    )

    def put(self, request: Request, letter_id: str) -> Response:
        status = self.fields().get("status")
        if status not in STATUSES:
            raise InvalidInput("Invalid status", {"status": [f"must be one of {', '.join(STATUSES)}"]})
        return Response(letter_judge(letter_id=path_id(letter_id), status=status, now=self.now))
