"""The operations of the group `activities`. Bodies and answers are in snake_case: an activity is a row of the table."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.activities.images import image_list
from apps.activities.models import Activity
from apps.activities.selectors import PARTICIPANT, activity_list, activity_shown
from apps.activities.services import (
    activity_create,
    activity_delete,
    activity_update,
    participant_remove,
    participants_add,
)
from apps.cadets.models import Cadet
from common.api import Api
from common.bodies import complete_id_list, lacking, require
from common.columns import writable
from common.inputs import path_id, read, whole_number
from common.openapi.description import described, listed
from common.openapi.shapes import (
    ACCEPTED,
    BYTES,
    STRING,
    answered,
    body_of,
    columns_of,
    counted,
    form_of,
    list_of,
    row_of_table,
    row_with,
    said,
)
from common.pagination import listing, page_asked
from common.permissions import IsStaffMember
from common.uploads import FORM_OR_JSON, uploads_in

MOST_IMAGES = 10
URLS = {"type": ["array", "null"], "items": {"type": "string"}}
COLUMNS = {name: reader for name, reader in writable(Activity).items() if name not in {"created_by", "images"}}


class ActivityListApi(Api):
    """Lists activities, latest first, a page at a time."""

    description = listed(Activity, "type", "search")

    def get(self, request: Request) -> Response:
        query = request.query_params
        activities = activity_list(type=query.get("type", ""), search=query.get("search", ""))
        return Response(listing(activities, page_asked(query)))


class _ActivityWriteApi(Api):
    """Takes an activity as JSON with the URLs of images, or as a form with their files."""

    permission_classes = (IsStaffMember,)
    parser_classes = FORM_OR_JSON

    def columns_given(self, given: dict[str, Any]) -> dict[str, Any]:
        """What the body says, by column. In a form the images are files, and no field."""
        return read(given, COLUMNS if self.is_form() else {**COLUMNS, "images": image_list})


class ActivityCreateApi(_ActivityWriteApi):
    """Adds an activity."""

    description = described(
        row_of_table(Activity),
        status=201,
        json=body_of(COLUMNS, required=["title"], images=URLS),
        form=form_of(COLUMNS, required=["title"], images=list_of(BYTES)),
    )

    def post(self, request: Request) -> Response:
        given = self.fields()
        require(given, ["title"], "Title is required")
        kind = "activity" if lacking(given.get("type")) else given["type"]
        values = self.columns_given({**given, "type": kind})
        files = uploads_in(request, "images", most=MOST_IMAGES)
        row = activity_create(values=values, files=files, created_by=self.actor, now=self.now)
        return Response(row, status=201)


class ActivityReadApi(Api):
    """Shows one activity and who takes part."""

    description = described(
        row_with(Activity, participants=list_of(answered(columns_of(Cadet, PARTICIPANT)))), refuses=[404]
    )

    def get(self, request: Request, activity_id: str) -> Response:
        return Response(activity_shown(path_id(activity_id)))


class ActivityUpdateApi(_ActivityWriteApi):
    """Changes some columns of one activity, and its images."""

    description = described(
        row_of_table(Activity),
        json=body_of(COLUMNS, images=URLS),
        form=form_of(COLUMNS, images=list_of(BYTES), replace_images=STRING),
        refuses=[404],
    )

    def put(self, request: Request, activity_id: str) -> Response:
        given = self.fields()
        row = activity_update(
            activity_id=path_id(activity_id),
            values=self.columns_given(given),
            files=uploads_in(request, "images", most=MOST_IMAGES),
            # In a form a boolean is a word, and only this one is true.
            replace=self.is_form() and given.get("replace_images") == "true",
            now=self.now,
        )
        return Response(row)


class ActivityDeleteApi(Api):
    """Deletes one activity."""

    permission_classes = (IsStaffMember,)
    description = described(said("Activity deleted"), refuses=[404])

    def delete(self, request: Request, activity_id: str) -> Response:
        activity_delete(activity_id=path_id(activity_id))
        return Response({"message": "Activity deleted"})


class ParticipantsAddApi(Api):
    """Lets cadets take part in one activity, all or none."""

    permission_classes = (IsStaffMember,)
    description = described(
        counted("added"), json=body_of({}, required=["cadet_ids"], cadet_ids=list_of(ACCEPTED[whole_number]))
    )

    def post(self, request: Request, activity_id: str) -> Response:
        ids = complete_id_list(self.fields().get("cadet_ids"), "cadet_ids")
        return Response({"added": participants_add(activity_id=path_id(activity_id), cadet_ids=ids)})


class ParticipantRemoveApi(Api):
    """Lets one cadet take part no longer."""

    permission_classes = (IsStaffMember,)
    description = described(said("Participant removed"), refuses=[404])

    def delete(self, request: Request, activity_id: str, cadet_id: str) -> Response:
        participant_remove(activity_id=path_id(activity_id), cadet_id=path_id(cadet_id))
        return Response({"message": "Participant removed"})
