"""The operations of the group `files`. Bodies and answers are in snake_case: a file is a row of the table."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import FileResponse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.files.access import access_file_by_id, access_files_in_list
from apps.files.models import File
from apps.files.selectors import file_list, may_be_shown, media_type, uploaded_file
from apps.files.services import file_create, file_delete
from common.api import Api
from common.exceptions import ApplicationError
from common.inputs import Reader, json_value, read, storable
from common.json import loads
from common.openapi.description import described, downloaded, listed
from common.openapi.shapes import BYTES, STRING, UUID, form_of, row_of_table, said
from common.pagination import listing, page_asked
from common.rows import row_of
from common.uploads import FORM_OR_JSON, uploads_in, with_charset


class FileUploadApi(Api):
    """Keeps a file."""

    parser_classes = FORM_OR_JSON
    readers: ClassVar[dict[str, Reader]] = {"metadata": json_value}
    description = described(
        row_of_table(File), status=201, form=form_of(["embed", "metadata"], required=["file"], file=BYTES)
    )

    def post(self, request: Request) -> Response:
        uploads = uploads_in(request, "file")
        if not uploads:
            raise ApplicationError("No file uploaded")
        read({"name": uploads[0].name}, {"name": storable})
        # In a form a boolean is a word, and only this one is true.
        embed = self.fields().get("embed") == "true"
        row = file_create(upload=uploads[0], embed=embed, metadata=self._metadata(), owner_id=self.actor, now=self.now)
        return Response(row, status=201)

    def _metadata(self) -> Any:
        written = self.fields().get("metadata")
        return read({"metadata": loads(written.encode())}, self.readers)["metadata"] if written else None


class FileListApi(Api):
    """Lists files, newest first, a page at a time; a cadet sees its own."""

    description = listed(File)

    def get(self, request: Request) -> Response:
        return Response(listing(file_list(access_files_in_list(self.viewer)), page_asked(request.query_params)))


class FileReadApi(Api):
    """Shows one file's row to staff and to its owner."""

    description = described(row_of_table(File), path={"file_id": UUID}, refuses=[404])

    def get(self, request: Request, file_id: str) -> Response:
        return Response(row_of(access_file_by_id(self.viewer, file_id)))


class FileDeleteApi(Api):
    """Forgets one file, for staff and for its owner."""

    description = described(said("File deleted"), path={"file_id": UUID}, refuses=[404])

    def delete(self, request: Request, file_id: str) -> Response:
        file_delete(file=access_file_by_id(self.viewer, file_id))
        return Response({"message": "File deleted"})


class UploadedApi(Api):
    """Gives out the bytes of an uploaded file to anybody who knows its name: pages show images without a token."""

    authentication_classes = ()
    permission_classes = ()
    description = downloaded(name=STRING, refuses=[404])

    def get(self, request: Request, name: str) -> FileResponse:
        path = uploaded_file(name)
        kind = media_type(path)
        # Nobody guesses another type from the bytes: an old file may be a page with a harmless name.
        headers = {"X-Content-Type-Options": "nosniff"}
        return FileResponse(
            path.open("rb"), content_type=with_charset(kind), as_attachment=not may_be_shown(kind), headers=headers
        )
