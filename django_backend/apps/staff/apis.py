"""The operations of the group `staff`. Bodies and answers are in snake_case: a person is a row of the table."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from apps.staff.access import access_own_staff, access_staff_by_id
from apps.staff.columns import EMPLOYMENT, REQUIRED, WRITABLE
from apps.staff.models import Staff
from apps.staff.selectors import StaffFilter, staff_list, staff_row
from apps.staff.services import staff_archive, staff_create, staff_import, staff_set_archived, staff_update
from common.api import Api
from common.bodies import id_list
from common.exceptions import ApplicationError
from common.inputs import integer, path_id, read
from common.openapi.description import described, listed
from common.openapi.shapes import ACCEPTED, BYTES, body_of, counted, form_of, list_of, row_of_table, said
from common.pagination import listing, page_asked
from common.permissions import IsAdmin, IsStaffMember
from common.spreadsheets import spreadsheet_rows
from common.uploads import FORM_OR_JSON


class StaffListApi(Api):
    """Lists the training staff by name, a page at a time."""

    permission_classes = (IsStaffMember,)
    description = listed(Staff, "search", "role", "includeArchived")

    def get(self, request: Request) -> Response:
        query = request.query_params
        wanted = StaffFilter(
            search=query.get("search", ""),
            role=query.get("role", ""),
            include_archived=query.get("includeArchived") == "true",
        )
        return Response(listing(staff_list(wanted), page_asked(query)))


class StaffCreateApi(Api):
    """Takes on a member of staff."""

    permission_classes = (IsAdmin,)
    description = described(row_of_table(Staff), status=201, json=body_of(EMPLOYMENT, required=REQUIRED), refuses=[409])

    def post(self, request: Request) -> Response:
        return Response(staff_create(values=read(self.fields(), EMPLOYMENT), now=self.now), status=201)


class StaffReadApi(Api):
    """Shows one member of staff to the others."""

    permission_classes = (IsStaffMember,)
    description = described(row_of_table(Staff), refuses=[404])

    def get(self, request: Request, staff_id: str) -> Response:
        return Response(staff_row(path_id(staff_id)))


class StaffUpdateApi(Api):
    """Changes some columns of one member of staff, for admins and for itself; PUT and PATCH are the same."""

    description = described(row_of_table(Staff), json=body_of(WRITABLE), refuses=[404, 409])

    def put(self, request: Request, staff_id: str) -> Response:
        wanted = access_staff_by_id(self.viewer, staff_id)
        return Response(staff_update(staff_id=wanted, values=read(self.fields(), WRITABLE), now=self.now))

    patch = put


class StaffArchiveApi(Api):
    """Archives one member of staff: nobody is ever deleted."""

    permission_classes = (IsAdmin,)
    description = described(said("Staff archived"), refuses=[404])

    def delete(self, request: Request, staff_id: str) -> Response:
        staff_archive(staff_id=path_id(staff_id))
        return Response({"message": "Staff archived"})


class _StaffBulkApi(Api):
    """Archives or restores many at once."""

    permission_classes = (IsAdmin,)
    archived: ClassVar[bool]
    description = described(counted("updated"), json=body_of({}, required=["ids"], ids=list_of(ACCEPTED[integer])))

    def post(self, request: Request) -> Response:
        ids = id_list(self.fields().get("ids"), "ids")
        return Response({"updated": staff_set_archived(staff_ids=ids, archived=self.archived)})


class StaffBulkArchiveApi(_StaffBulkApi):
    """Archives many members of staff at once."""

    archived = True


class StaffBulkRestoreApi(_StaffBulkApi):
    """Brings many members of staff back at once."""

    archived = False


class StaffImportApi(Api):
    """Takes on the members of staff of a spreadsheet, all or none."""

    permission_classes = (IsAdmin,)
    parser_classes = FORM_OR_JSON
    description = described(counted("imported"), form=form_of({}, required=["file"], file=BYTES), refuses=[409])

    def post(self, request: Request) -> Response:
        file = request.FILES.get("file")
        if file is None:
            raise ApplicationError("No file uploaded")
        rows = spreadsheet_rows(file.read(), WRITABLE)
        return Response({"imported": staff_import(rows=rows, now=self.now)})


class StaffMeApi(Api):
    """Shows members of staff themselves."""

    description = described(row_of_table(Staff), refuses=[404])

    def get(self, request: Request) -> Response:
        return Response(staff_row(access_own_staff(self.viewer)))
