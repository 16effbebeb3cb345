"""The operations on training days and marks of the group `attendance`. Bodies are in camelCase, rows are as stored."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from apps.attendance.models import Attendance, StaffAttendance, TrainingDay
from apps.attendance.selectors import cadet_history, day_list, day_records, day_row, scanned_student_id
from apps.attendance.services import (
    cadet_mark,
    cadet_scan,
    cadets_mark,
    day_create,
    day_delete,
    day_update,
    staff_mark,
)
from apps.attendance.shapes import HISTORY, RECORD, SCANNED, STATUS, mark_body
from apps.cadets.access import access_own_cadet
from common.api import Api
from common.bodies import objects, require
from common.columns import writable
from common.inputs import Reader, path_id, present_text, read, text, whole_number
from common.openapi.description import described, listed
from common.openapi.shapes import ANYTHING, STRING, body_of, counted, list_of, row_of_table, said
from common.pagination import listing, page_asked
from common.permissions import IsStaffMember

# Name in the API, column, and how it is read.
SAID: dict[str, tuple[str, Reader]] = {
    "status": ("status", present_text),
    "remarks": ("remarks", text),
    "timeIn": ("time_in", text),
    "timeOut": ("time_out", text),
}
SAID_READERS = {name: reader for name, (_, reader) in SAID.items()}


def said_in(given: dict[str, Any]) -> dict[str, Any]:
    """What a body says in a mark, by column."""
    found = read(given, SAID_READERS)
    return {SAID[name][0]: value for name, value in found.items()}


class DayListApi(Api):
    """Lists training days, latest first, a page at a time."""

    description = listed(TrainingDay)

    def get(self, request: Request) -> Response:
        return Response(listing(day_list(), page_asked(request.query_params)))


class DayCreateApi(Api):
    """Adds a training day."""

    permission_classes = (IsStaffMember,)
    description = described(
        row_of_table(TrainingDay), status=201, json=body_of(writable(TrainingDay), required=["date", "title"])
    )

    def post(self, request: Request) -> Response:
        require(self.fields(), ["date", "title"], "Date and title are required")
        return Response(day_create(values=read(self.fields(), writable(TrainingDay)), now=self.now), status=201)


class DayReadApi(Api):
    """Shows one training day."""

    description = described(row_of_table(TrainingDay), refuses=[404])

    def get(self, request: Request, day_id: str) -> Response:
        return Response(day_row(path_id(day_id)))


class DayUpdateApi(Api):
    """Changes one training day."""

    permission_classes = (IsStaffMember,)
    description = described(row_of_table(TrainingDay), json=body_of(writable(TrainingDay)), refuses=[404])

    def put(self, request: Request, day_id: str) -> Response:
        return Response(day_update(day_id=path_id(day_id), values=read(self.fields(), writable(TrainingDay))))


class DayDeleteApi(Api):
    """Deletes one training day."""

    permission_classes = (IsStaffMember,)
    description = described(said("Training day deleted"), refuses=[404])

    def delete(self, request: Request, day_id: str) -> Response:
        day_delete(day_id=path_id(day_id))
        return Response({"message": "Training day deleted"})


class DayRecordsApi(Api):
    """Shows who was there on a day: all cadets, marked or not."""

    permission_classes = (IsStaffMember,)
    description = described(list_of(RECORD), query={"company": STRING, "platoon": STRING})

    def get(self, request: Request, day_id: str) -> Response:
        query = request.query_params
        company, platoon = query.get("company", ""), query.get("platoon", "")
        return Response(day_records(path_id(day_id), company=company, platoon=platoon))


class _MarkApi(Api):
    """Marks somebody on a day."""

    permission_classes = (IsStaffMember,)
    whose: ClassVar[str]

    def marked(self) -> tuple[int, int, dict[str, Any]]:
        """The day, who it is, and what the mark says."""
        given = self.fields()
        require(given, ["trainingDayId", self.whose, "status"], "Missing required fields")
        ids = read(given, {"trainingDayId": whole_number, self.whose: whole_number})
        return ids["trainingDayId"], ids[self.whose], said_in(given)


class CadetMarkApi(_MarkApi):
    """Marks a cadet on a day, over the mark that it has."""

    whose = "cadetId"
    description = described(row_of_table(Attendance), json=mark_body(SAID_READERS, "cadetId"))

    def post(self, request: Request) -> Response:
        day_id, cadet_id, said = self.marked()
        return Response(cadet_mark(day_id=day_id, cadet_id=cadet_id, said=said, now=self.now))


class StaffMarkApi(_MarkApi):
    """Marks a member of staff on a day, over the mark that it has."""

    whose = "staffId"
    description = described(row_of_table(StaffAttendance), json=mark_body(SAID_READERS, "staffId"))

    def post(self, request: Request) -> Response:
        day_id, staff_id, said = self.marked()
        return Response(staff_mark(day_id=day_id, staff_id=staff_id, said=said, now=self.now))


class CadetBulkMarkApi(Api):
    """Marks many cadets on a day, all or none."""

    permission_classes = (IsStaffMember,)
    readers: ClassVar[dict[str, Reader]] = {
        "cadetId": whole_number,
        **SAID_READERS,
    }
    description = described(
        counted("marked"),
        json=body_of(
            {"trainingDayId": whole_number},
            required=["records"],
            records=list_of(body_of(readers, required=["cadetId", "status"], status=STATUS)),
        ),
    )

    def post(self, request: Request) -> Response:
        given = objects(self.fields().get("records"), "records", self.readers)
        records = [{"cadet_id": one["cadetId"], **{SAID[name][0]: one[name] for name in SAID}} for one in given]
        # Without a record nobody looks at the day.
        day = {"trainingDayId": self.fields().get("trainingDayId")} if records else {}
        day_id = read(day, {"trainingDayId": whole_number}).get("trainingDayId", 0)
        return Response({"marked": cadets_mark(day_id=day_id, records=records, now=self.now)})


class ScanApi(Api):
    """Takes what a reader of ID cards has read."""

    permission_classes = (IsStaffMember,)
    description = described(
        SCANNED,
        json=body_of({"trainingDayId": whole_number}, required=["trainingDayId", "qrData"], qrData=ANYTHING),
        refuses=[404],
    )

    def post(self, request: Request) -> Response:
        given = self.fields()
        require(given, ["trainingDayId", "qrData"], "Training day and QR code are required")
        day_id = read(given, {"trainingDayId": whole_number})["trainingDayId"]
        return Response(cadet_scan(day_id=day_id, student_id=scanned_student_id(given["qrData"]), now=self.now))


class MyHistoryApi(Api):
    """Lists the own marks, latest first, a page at a time."""

    description = listed(HISTORY, refuses=[404])

    def get(self, request: Request) -> Response:
        history = cadet_history(access_own_cadet(self.viewer))
        return Response(listing(history, page_asked(request.query_params)))
