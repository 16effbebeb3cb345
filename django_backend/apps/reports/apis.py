"""The operations of the group `reports`. Bodies are in camelCase, a report is a row of the table."""

from __future__ import annotations

import io
from typing import ClassVar

from django.http import FileResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from apps.reports.access import access_report_by_id
from apps.reports.models import Report
from apps.reports.selectors import report_download, report_file, report_list
from apps.reports.services import report_create
from common.api import Api
from common.bodies import require
from common.inputs import Reader, json_object, present_text, read
from common.openapi.description import described, downloaded, listed
from common.openapi.shapes import UUID, body_of, row_of_table
from common.pagination import listing, page_asked
from common.permissions import IsStaffMember
from common.rows import row_of
from common.uploads import with_charset


class ReportCreateApi(Api):
    """Takes the order for a report."""

    permission_classes = (IsStaffMember,)
    readers: ClassVar[dict[str, Reader]] = {"type": present_text, "params": json_object}
    description = described(row_of_table(Report), status=202, json=body_of(readers, required=["type"]))

    def post(self, request: Request) -> Response:
        require(self.fields(), ["type"], "Type is required")
        given = read(self.fields(), self.readers)
        row = report_create(type=given["type"], params=given.get("params"), requested_by=self.actor, now=self.now)
        return Response(row, status=202)


class ReportListApi(Api):
    """Lists reports, newest first, a page at a time."""

    permission_classes = (IsStaffMember,)
    description = listed(Report)

    def get(self, request: Request) -> Response:
        return Response(listing(report_list(), page_asked(request.query_params)))


class ReportReadApi(Api):
    """Shows one report's row."""

    permission_classes = (IsStaffMember,)
    description = described(row_of_table(Report), path={"report_id": UUID}, refuses=[404])

    def get(self, request: Request, report_id: str) -> Response:
        return Response(row_of(access_report_by_id(report_id)))


class ReportDownloadApi(Api):
    """Gives out the file of one report."""

    permission_classes = (IsStaffMember,)
    description = downloaded(report_id=UUID, refuses=[404, 409], redirects=True)

    def get(self, request: Request, report_id: str) -> HttpResponseBase:
        file = report_file(access_report_by_id(report_id))
        if file.url and file.url.startswith("https://"):
            return HttpResponseRedirect(file.url)
        found = report_download(file)
        content = io.BytesIO(found.content)
        return FileResponse(
            content, as_attachment=True, filename=found.filename, content_type=with_charset(found.mime_type)
        )
