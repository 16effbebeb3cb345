"""The operations of the group `cadets`. Bodies and answers are in snake_case: a cadet is the row of its table."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from apps.cadets.access import access_cadet_by_id, access_own_cadet
from apps.cadets.columns import ENROLMENT, REQUIRED, WRITABLE
from apps.cadets.models import Cadet
from apps.cadets.selectors import CadetFilter, cadet_list, cadet_row
from apps.cadets.services import cadet_archive, cadet_create, cadet_update, cadets_import, cadets_set_archived
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


class CadetListApi(Api):
    """Lists cadets by name, a page at a time."""

    permission_classes = (IsStaffMember,)
    description = listed(Cadet, "search", "company", "course", "includeArchived")

    def get(self, request: Request) -> Response:
        query = request.query_params
        wanted = CadetFilter(
            search=query.get("search", ""),
            company=query.get("company", ""),
            course=query.get("course", ""),
            include_archived=query.get("includeArchived") == "true",
        )
        return Response(listing(cadet_list(wanted), page_asked(query)))


class CadetCreateApi(Api):
    """Enrols a cadet."""

    permission_classes = (IsStaffMember,)
    description = described(row_of_table(Cadet), status=201, json=body_of(ENROLMENT, required=REQUIRED), refuses=[409])

    def post(self, request: Request) -> Response:
        row = cadet_create(values=read(self.fields(), ENROLMENT), now=self.now)
        return Response(row, status=201)


class CadetReadApi(Api):
    """Shows one cadet to staff and to itself."""

    description = described(row_of_table(Cadet), refuses=[404])

    def get(self, request: Request, cadet_id: str) -> Response:
        return Response(cadet_row(access_cadet_by_id(self.viewer, cadet_id)))


class CadetUpdateApi(Api):
    """Changes some columns of one cadet, for staff and for itself; PUT and PATCH are the same."""

    description = described(row_of_table(Cadet), json=body_of(WRITABLE), refuses=[404, 409])

    def put(self, request: Request, cadet_id: str) -> Response:
        wanted = access_cadet_by_id(self.viewer, cadet_id)
        values = read(self.fields(), WRITABLE)
        return Response(cadet_update(cadet_id=wanted, values=values, now=self.now))

    patch = put


class CadetArchiveApi(Api):
    """Archives one cadet: nobody is ever deleted."""

    permission_classes = (IsAdmin,)
    description = described(said("Cadet archived"), refuses=[404])

    def delete(self, request: Request, cadet_id: str) -> Response:
        cadet_archive(cadet_id=path_id(cadet_id))
        return Response({"message": "Cadet archived"})


class _CadetBulkApi(Api):
    """Archives or restores many cadets at once."""

    permission_classes = (IsStaffMember,)
    archived: ClassVar[bool]
    description = described(counted("updated"), json=body_of({}, required=["ids"], ids=list_of(ACCEPTED[integer])))

    def post(self, request: Request) -> Response:
        ids = id_list(self.fields().get("ids"), "ids")
        return Response({"updated": cadets_set_archived(cadet_ids=ids, archived=self.archived)})


class CadetBulkArchiveApi(_CadetBulkApi):
    """Archives many cadets at once."""

    archived = True


class CadetBulkRestoreApi(_CadetBulkApi):
    """Brings many cadets back at once."""

    archived = False


class CadetImportApi(Api):
    """Enrols the cadets of a spreadsheet, all or none."""

    permission_classes = (IsAdmin,)
    parser_classes = FORM_OR_JSON
    description = described(counted("imported"), form=form_of({}, required=["file"], file=BYTES), refuses=[409])

    def post(self, request: Request) -> Response:
        file = request.FILES.get("file")
        if file is None:
            raise ApplicationError("No file uploaded")
        rows = spreadsheet_rows(file.read(), WRITABLE)
        return Response({"imported": cadets_import(rows=rows, now=self.now)})


class CadetMeApi(Api):
    """Shows cadets themselves."""

    description = described(row_of_table(Cadet), refuses=[404])

    def get(self, request: Request) -> Response:
        return Response(cadet_row(access_own_cadet(self.viewer)))
