"""Categories, grades and summaries: who sees which, what a score becomes, and what a grade is made of."""

from __future__ import annotations

from typing import Any

import pytest

from apps.attendance.models import Attendance, TrainingDay
from apps.authentication.models import User
from apps.grading.models import Grade, GradeCategory, MeritDemeritLog
from apps.messaging.models import Notification
from tests.django_backend.people import Ask, cadet, grade, refusal, told

SUMMARY = [
    *("cadetId", "present", "trainingDays", "merits", "demerits", "prelim", "midterm", "final"),
    *("attendanceScore", "aptitudeScore", "subjectScore", "finalGrade", "transmutedGrade"),
]


@pytest.fixture
def exam(db: None) -> GradeCategory:
    return GradeCategory.objects.create(name="Exam", weight="30.50")


def test_a_category_is_added_changed_listed_and_deleted(ask: Ask, carol: User, alice: User) -> None:
    answer = ask("post", "grading/categories", by=carol, body={"name": "Exam", "weight": 30.125})
    row = told(answer)
    assert (answer.status_code, row["weight"], row["description"]) == (201, "30.13", None)
    path = f"grading/categories/{row['id']}"
    assert told(ask("put", path, by=carol, body={"weight": "0"}))["weight"] == "0.00"
    assert told(ask("put", path, by=carol, body={})) == told(ask("get", "grading/categories", by=alice))[0]
    assert refusal(ask("post", "grading/categories", by=carol, body={"name": "Exam", "weight": 1}))[0] == 409
    assert told(ask("delete", path, by=carol)) == {"message": "Category deleted"}
    for method in ("put", "delete"):
        assert refusal(ask(method, path, by=carol, body={})) == (404, "Category not found")


def test_a_category_that_has_grades_is_kept(ask: Ask, carol: User, exam: GradeCategory) -> None:
    grade(cadet("1"), "90", category=exam)
    answer = ask("delete", f"grading/categories/{exam.pk}", by=carol)
    assert refusal(answer) == (409, "Other rows refer to this one")


@pytest.mark.parametrize("weight", ["", "x", True, "NaN", "Infinity", [], 1000, "1e3", 10**30])
def test_a_weight_is_a_number_of_three_digits_before_the_point(ask: Ask, carol: User, weight: Any) -> None:
    answer = ask("post", "grading/categories", by=carol, body={"name": "Exam", "weight": weight})
    assert refusal(answer)[0] == 400


@pytest.mark.parametrize("body", [{}, {"name": "x"}, {"weight": 1}, {"name": "", "weight": 1}])
def test_a_category_needs_a_name_and_a_weight(ask: Ask, carol: User, body: dict[str, Any]) -> None:
    assert refusal(ask("post", "grading/categories", by=carol, body=body)) == (400, "Name and weight are required")
    assert ask("post", "grading/categories", by=carol, body={"name": "x", "weight": 0}).status_code == 201


@pytest.mark.parametrize(
    ("score", "stored"),
    [(92.5, "92.50"), (92.125, "92.13"), ("92.125", "92.13"), (-0.001, "0.00"), (0, "0.00"), (" 7 ", "7.00")],
)
def test_a_score_is_kept_with_two_decimals_rounded_away_from_zero(
    ask: Ask, bob: User, exam: GradeCategory, score: Any, stored: str
) -> None:
    body = {"cadetId": cadet("1").pk, "categoryId": exam.pk, "score": score}
    answer = ask("post", "grading/grades", by=bob, body=body)
    row = told(answer)
    assert answer.status_code == 201
    assert (row["score"], row["max_score"], row["status"], row["term"]) == (stored, "100.00", "active", None)
    assert row["graded_by"] == bob.pk and row["created_at"] == row["updated_at"]
    assert told(ask("get", "grading/grades", by=bob))["data"] == [row]


def test_a_new_grade_is_told_to_the_cadet(ask: Ask, alice: User, bob: User, exam: GradeCategory) -> None:
    body = {"cadetId": alice.cadet_id, "categoryId": exam.pk, "score": 1, "term": "final", "maxScore": 50}
    assert told(ask("post", "grading/grades", by=bob, body=body))["max_score"] == "50.00"
    told_to = Notification.objects.values_list("user_id", "type", "message", "priority").get()
    assert told_to == (alice.pk, "grade", "New grade posted", "high")
    assert refusal(ask("post", "grading/grades", by=bob, body=body)) == (409, "Already exists")


@pytest.mark.parametrize("name", ["cadetId", "categoryId", "score"])
def test_a_grade_needs_a_cadet_a_category_and_a_score(ask: Ask, bob: User, exam: GradeCategory, name: str) -> None:
    body = {"cadetId": cadet("1").pk, "categoryId": exam.pk, "score": 1}
    for nothing in (None, ""):
        answer = ask("post", "grading/grades", by=bob, body={**body, name: nothing})
        assert refusal(answer) == (400, "Missing required fields")
    assert refusal(ask("post", "grading/grades", by=bob, body={**body, name: "x"})) == (400, "Invalid input")


@pytest.mark.django_db(transaction=True)
def test_a_grade_of_nobody_leaves_nothing_behind(ask: Ask, bob: User) -> None:
    body = {"cadetId": 999999, "categoryId": GradeCategory.objects.create(name="x", weight=1).pk, "score": 1}
    assert refusal(ask("post", "grading/grades", by=bob, body=body))[0] == 400
    assert not Grade.objects.exists() and not Notification.objects.exists()


def test_a_grade_is_changed_and_deleted(ask: Ask, bob: User, carol: User, exam: GradeCategory) -> None:
    made = grade(cadet("1"), "90", category=exam, graded_by=carol)
    path = f"grading/grades/{made.pk}"
    row = told(ask("put", path, by=bob, body={"score": "91.005", "status": "INC", "cadetId": 5}))
    assert (row["score"], row["status"], row["graded_by"]) == ("91.01", "INC", bob.pk)
    assert row["cadet_id"] == made.cadet_id
    for wrong in ({"score": None}, {"maxScore": None}, {"score": "x"}, {"score": 10000}):
        assert refusal(ask("put", path, by=bob, body=wrong))[0] == 400
    assert told(ask("delete", path, by=bob)) == {"message": "Grade deleted"}
    for method in ("put", "delete"):
        assert refusal(ask(method, path, by=bob, body={})) == (404, "Grade not found")


def test_lists_are_by_cadet_and_cadets_see_their_own(ask: Ask, alice: User, charlie: User, bob: User) -> None:
    ours = alice.cadet, charlie.cadet
    assert ours[0] is not None and ours[1] is not None
    for whose, term in [(ours[1], "final"), (ours[0], "final"), (ours[0], "prelim")]:
        grade(whose, "80", term=term)

    def seen(by: User, query: str = "") -> list[tuple[int, str]]:
        return [(row["cadet_id"], row["term"]) for row in told(ask("get", f"grading/grades{query}", by=by))["data"]]

    first, second = ours[0].pk, ours[1].pk
    assert seen(bob) == [(first, "final"), (first, "prelim"), (second, "final")]
    assert seen(bob, f"?cadetId={second}") == [(second, "final")]
    assert seen(alice, f"?cadetId={second}") == [(first, "final"), (first, "prelim")]
    assert seen(alice, "?term=prelim") == [(first, "prelim")] and seen(bob, "?categoryId=999999") == []
    for query in ("cadetId=x", "categoryId=1.5", "cadetId=99999999999"):
        assert refusal(ask("get", f"grading/grades?{query}", by=bob))[0] == 400


def test_many_grades_are_written_over_those_of_the_same_term(ask: Ask, bob: User, exam: GradeCategory) -> None:
    one, two = cadet("1"), cadet("2")
    before = grade(one, "10", category=exam, term="final", remarks="old", status="INC")
    grades = [{"cadetId": two.pk, "score": 50}, {"cadetId": one.pk, "score": 60}, {"cadetId": two.pk, "score": 51}]
    body = {"categoryId": exam.pk, "term": "final", "grades": grades}
    assert told(ask("post", "grading/grades/bulk", by=bob, body=body)) == {"saved": 3}
    assert [str(row.score) for row in Grade.objects.order_by("cadet_id")] == ["60.00", "51.00"]
    before.refresh_from_db()
    assert (before.status, before.remarks, before.graded_by_id) == ("active", None, bob.pk)
    assert not Notification.objects.exists()
    assert told(ask("post", "grading/grades/bulk", by=bob, body={"grades": []})) == {"saved": 0}


def test_without_a_term_every_grade_is_a_new_one(ask: Ask, bob: User, exam: GradeCategory) -> None:
    body = {"categoryId": exam.pk, "maxScore": 20, "grades": [{"cadetId": cadet("1").pk, "score": 5}] * 2}
    for _ in range(2):
        assert told(ask("post", "grading/grades/bulk", by=bob, body=body)) == {"saved": 2}
    assert Grade.objects.filter(max_score=20).count() == 4


@pytest.mark.parametrize("bad", [None, {}, {"cadetId": 1}, {"score": 1}, {"cadetId": 1, "score": "x"}])
def test_one_bad_grade_leaves_none(ask: Ask, bob: User, exam: GradeCategory, bad: Any) -> None:
    body = {"categoryId": exam.pk, "grades": [{"cadetId": cadet("1").pk, "score": 5}, bad]}
    assert refusal(ask("post", "grading/grades/bulk", by=bob, body=body))[0] == 400
    assert refusal(ask("post", "grading/grades/bulk", by=bob, body={}))[1] == "grades is required"
    assert not Grade.objects.exists()


def test_a_summary_is_all_that_a_grade_is_made_of(ask: Ask, alice: User, bob: User) -> None:
    days = [TrainingDay.objects.create(date="x", title="y") for _ in range(3)]
    for day, status in zip(days, ["present", "present", "late"], strict=True):
        Attendance.objects.create(training_day=day, cadet_id=alice.cadet_id, status=status)
    for type, points in [("merit", 10), ("demerit", 25), ("demerit", -5)]:
        MeritDemeritLog.objects.create(cadet_id=alice.cadet_id, type=type, points=points)
    assert alice.cadet is not None
    for term, score in [("prelim", "92.50"), ("final", "88.25")]:
        grade(alice.cadet, score, term=term)
    grade(alice.cadet, "1", term="midterm", category=GradeCategory.objects.create(name="Other", weight=1))
    summary = told(ask("get", f"grading/cadets/{alice.cadet_id}/summary", by=alice))
    assert list(summary) == SUMMARY
    assert [summary[name] for name in SUMMARY[1:8]] == [2, 3, 10, 20, "92.50", None, "88.25"]
    assert summary["attendanceScore"] == 2 / 3 * 30 and summary["aptitudeScore"] == 27
    assert summary["subjectScore"] == (92.5 + 88.25) / 300 * 40
    assert summary == told(ask("get", f"grading/cadets/{alice.cadet_id}/summary", by=bob))


def test_a_number_that_is_whole_has_no_decimals(ask: Ask, alice: User) -> None:
    answer = ask("get", f"grading/cadets/{alice.cadet_id}/summary", by=alice)
    assert b'"attendanceScore":0,' in answer.content and b'"aptitudeScore":30,' in answer.content
    assert b'"finalGrade":30,"transmutedGrade":"5.00"' in answer.content


def test_a_summary_is_for_staff_and_the_cadet_itself(ask: Ask, alice: User, charlie: User, bob: User) -> None:
    for what in ("summary", "ledger"):
        assert refusal(ask("get", f"grading/cadets/{alice.cadet_id}/{what}", by=charlie)) == (403, "Access denied")
        assert refusal(ask("get", f"grading/cadets/x/{what}", by=bob))[0] == 400
    for number in ("999999", "99999999999"):
        assert refusal(ask("get", f"grading/cadets/{number}/summary", by=bob)) == (404, "Cadet not found")


def test_each_operation_is_for_its_own_people(ask: Ask, alice: User, bob: User) -> None:
    for by, method, path in [
        *((bob, "post", "grading/categories"), (bob, "put", "grading/categories/1")),
        *(
            (bob, "delete", "grading/categories/1"),
            (alice, "post", "grading/grades"),
            (alice, "put", "grading/grades/1"),
        ),
        *((alice, "delete", "grading/grades/1"), (alice, "post", "grading/grades/bulk")),
        *((alice, "post", "grading/merit-logs"), (alice, "delete", "grading/merit-logs/1")),
    ]:
        assert refusal(ask(method, path, by=by, body={})) == (403, "Access denied")
