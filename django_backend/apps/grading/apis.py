"""The operations on categories and grades of the group `grading`. Bodies are in camelCase, rows are as stored."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from apps.grading.access import access_cadets_in_list, query_id
from apps.grading.models import Grade, GradeCategory
from apps.grading.selectors import category_list, grade_list
from apps.grading.services import (
    category_create,
    category_delete,
    category_update,
    grade_create,
    grade_delete,
    grade_update,
    grades_save,
)
from common.api import Api
from common.bodies import lacking, objects
from common.columns import writable
from common.exceptions import InvalidInput
from common.inputs import Reader, hundredths, path_id, read, text, whole_number
from common.openapi.description import ID_ASKED, described, listed
from common.openapi.shapes import ACCEPTED, body_of, counted, list_of, readers_of, row_of_table, said
from common.pagination import listing, page_asked
from common.permissions import IsAdmin, IsStaffMember


class CategoryListApi(Api):
    """Lists all categories."""

    description = described(list_of(row_of_table(GradeCategory)))

    def get(self, request: Request) -> Response:
        return Response(category_list())


class CategoryCreateApi(Api):
    """Adds a category."""

    permission_classes = (IsAdmin,)
    description = described(
        row_of_table(GradeCategory),
        status=201,
        json=body_of(writable(GradeCategory), required=["name", "weight"]),
        refuses=[409],
    )

    def post(self, request: Request) -> Response:
        given = self.fields()
        if lacking(given.get("name")) or given.get("weight") is None:
            raise InvalidInput("Name and weight are required")
        return Response(category_create(values=read(given, writable(GradeCategory))), status=201)


class CategoryUpdateApi(Api):
    """Changes some columns of one category."""

    permission_classes = (IsAdmin,)
    description = described(row_of_table(GradeCategory), json=body_of(writable(GradeCategory)), refuses=[404, 409])

    def put(self, request: Request, category_id: str) -> Response:
        values = read(self.fields(), writable(GradeCategory))
        return Response(category_update(category_id=path_id(category_id), values=values))


class CategoryDeleteApi(Api):
    """Deletes one category."""

    permission_classes = (IsAdmin,)
    description = described(said("Category deleted"), refuses=[404, 409])

    def delete(self, request: Request, category_id: str) -> Response:
        category_delete(category_id=path_id(category_id))
        return Response({"message": "Category deleted"})


# Name in the API, column, and how it is read.
GRADE_FIELDS: dict[str, tuple[str, Reader]] = {
    "term": ("term", text),
    "score": ("score", hundredths),
    "maxScore": ("max_score", hundredths),
    "status": ("status", text),
    "remarks": ("remarks", text),
}
GRADED: dict[str, tuple[str, Reader]] = {
    "cadetId": ("cadet_id", whole_number),
    "categoryId": ("category_id", whole_number),
    **GRADE_FIELDS,
}


def grade_values(given: dict[str, Any], fields: dict[str, tuple[str, Reader]]) -> dict[str, Any]:
    """What a body says about a grade, by column."""
    found = read(given, {name: reader for name, (_, reader) in fields.items()})
    return {fields[name][0]: value for name, value in found.items()}


class GradeListApi(Api):
    """Lists grades by cadet, a page at a time; a cadet sees its own."""

    description = listed(Grade, "term", cadetId=ID_ASKED, categoryId=ID_ASKED)

    def get(self, request: Request) -> Response:
        query = request.query_params
        wanted = access_cadets_in_list(self.viewer, query) & query_id(query, "categoryId", "category_id")
        return Response(listing(grade_list(wanted, query.get("term", "")), page_asked(query)))


class GradeCreateApi(Api):
    """Grades a cadet."""

    permission_classes = (IsStaffMember,)
    description = described(
        row_of_table(Grade),
        status=201,
        json=body_of(readers_of(GRADED), required=["cadetId", "categoryId", "score"]),
        refuses=[409],
    )

    def post(self, request: Request) -> Response:
        given = self.fields()
        if lacking(given.get("cadetId")) or lacking(given.get("categoryId")) or given.get("score") in (None, ""):
            raise InvalidInput("Missing required fields")
        row = grade_create(values=grade_values(given, GRADED), graded_by=self.actor, now=self.now)
        return Response(row, status=201)


class GradeUpdateApi(Api):
    """Changes one grade."""

    permission_classes = (IsStaffMember,)
    description = described(row_of_table(Grade), json=body_of(readers_of(GRADE_FIELDS)), refuses=[404, 409])

    def put(self, request: Request, grade_id: str) -> Response:
        values = grade_values(self.fields(), GRADE_FIELDS)
        row = grade_update(grade_id=path_id(grade_id), values=values, graded_by=self.actor, now=self.now)
        return Response(row)


class GradeDeleteApi(Api):
    """Deletes one grade."""

    permission_classes = (IsStaffMember,)
    description = described(said("Grade deleted"), refuses=[404])

    def delete(self, request: Request, grade_id: str) -> Response:
        grade_delete(grade_id=path_id(grade_id))
        return Response({"message": "Grade deleted"})


class GradeBulkApi(Api):
    """Grades many cadets in one category and term, all or none."""

    permission_classes = (IsStaffMember,)
    readers: ClassVar[dict[str, Reader]] = {
        "cadetId": whole_number,
        "score": hundredths,
        "status": text,
        "remarks": text,
    }
    description = described(
        counted("saved"),
        json=body_of(
            {"categoryId": whole_number, "term": text},
            required=["grades"],
            maxScore={"anyOf": [ACCEPTED[hundredths], {"type": "null"}]},
            grades=list_of(body_of(readers, required=["cadetId", "score"])),
        ),
    )

    def post(self, request: Request) -> Response:
        given = objects(self.fields().get("grades"), "grades", self.readers)
        common = self._common() if given else {}
        grades = [{**common, **self._own(one)} for one in given]
        return Response({"saved": grades_save(grades=grades, graded_by=self.actor, now=self.now)})

    def _common(self) -> dict[str, Any]:
        body = self.fields()
        greatest = 100 if body.get("maxScore") is None else body["maxScore"]
        fields = {name: GRADED[name] for name in ("categoryId", "term", "maxScore")}
        return grade_values({"categoryId": None, "term": None, **body, "maxScore": greatest}, fields)

    def _own(self, one: dict[str, Any]) -> dict[str, Any]:
        status = "active" if one["status"] is None else one["status"]
        return {"cadet_id": one["cadetId"], "score": one["score"], "status": status, "remarks": one["remarks"]}
