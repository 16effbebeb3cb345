"""The operations on merits, and on what follows from grades and merits, of the group `grading`."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from apps.cadets.access import access_cadet_by_id
from apps.grading.access import access_cadets_in_list
from apps.grading.merits import merit_log_create, merit_log_delete
from apps.grading.models import MeritDemeritLog, MeritType
from apps.grading.selectors import cadet_ledger, cadet_summary, leaderboard, merit_log_list
from apps.grading.shapes import LEADER, LEDGER_LINE, SUMMARY
from common.api import Api
from common.bodies import lacking
from common.exceptions import InvalidInput
from common.inputs import Reader, path_id, present_text, read, text, whole_number
from common.openapi.description import ID_ASKED, LIMIT, described, listed
from common.openapi.shapes import body_of, list_of, readers_of, row_of_table, said
from common.pagination import limit_asked, listing, page_asked
from common.permissions import IsStaffMember

LEADERS = 10


class SummaryApi(Api):
    """Shows the grade of one cadet, and what it is made of, to staff and to itself."""

    description = described(SUMMARY, refuses=[404])

    def get(self, request: Request, cadet_id: str) -> Response:
        return Response(cadet_summary(access_cadet_by_id(self.viewer, cadet_id)))


class LedgerApi(Api):
    """Shows the merits and demerits of one cadet with the balance after each, to staff and to itself."""

    description = described(list_of(LEDGER_LINE))

    def get(self, request: Request, cadet_id: str) -> Response:
        return Response(cadet_ledger(access_cadet_by_id(self.viewer, cadet_id), now=self.now))


class MeritLogListApi(Api):
    """Lists merits and demerits, newest first, a page at a time; a cadet sees its own."""

    description = listed(MeritDemeritLog, "type", cadetId=ID_ASKED)

    def get(self, request: Request) -> Response:
        query = request.query_params
        wanted = access_cadets_in_list(self.viewer, query)
        return Response(listing(merit_log_list(wanted, query.get("type", "")), page_asked(query)))


class MeritLogCreateApi(Api):
    """Gives points to a cadet, or takes them."""

    permission_classes = (IsStaffMember,)
    # Name in the API, column, and how it is read.
    columns: ClassVar[dict[str, tuple[str, Reader]]] = {
        "cadetId": ("cadet_id", whole_number),
        "type": ("type", present_text),
        "points": ("points", whole_number),
        "reason": ("reason", text),
        "issuedByName": ("issued_by_name", text),
    }
    description = described(
        row_of_table(MeritDemeritLog),
        status=201,
        json=body_of(readers_of(columns), required=["cadetId", "type", "points"], type={"enum": MeritType.values}),
    )

    def post(self, request: Request) -> Response:
        given = self.fields()
        if lacking(given.get("cadetId")) or lacking(given.get("type")) or given.get("points") is None:
            raise InvalidInput("Missing required fields")
        found = read(given, {name: reader for name, (_, reader) in self.columns.items()})
        values = {self.columns[name][0]: value for name, value in found.items()}
        return Response(merit_log_create(values=values, issued_by=self.actor, now=self.now), status=201)


class MeritLogDeleteApi(Api):
    """Deletes one merit or demerit."""

    permission_classes = (IsStaffMember,)
    description = described(said("Merit log deleted"), refuses=[404])

    def delete(self, request: Request, log_id: str) -> Response:
        merit_log_delete(log_id=path_id(log_id), now=self.now)
        return Response({"message": "Merit log deleted"})


class LeaderboardApi(Api):
    """Shows who has the most points."""

    description = described(list_of(LEADER), query={"limit": {**LIMIT, "default": LEADERS}})

    def get(self, request: Request) -> Response:
        return Response(leaderboard(limit_asked(request.query_params, LEADERS)))
