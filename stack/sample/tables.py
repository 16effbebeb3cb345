"""The twenty tables of the sample in an order that satisfies every foreign key."""

from __future__ import annotations

from stack.sample import accounts, grading, office, training
from stack.sample.passwords import stored_by_django
from stack.sample.table import Row, Table

_PERSON = ("first_name", "middle_name", "last_name", "suffix_name", "email", "contact_number")
_MARK = ("status", "remarks", "time_in", "time_out", "created_at")
_PASSWORD = 3


def _green_user(row: Row) -> Row:
    return (*row[:_PASSWORD], stored_by_django(str(row[_PASSWORD])), *row[_PASSWORD + 1 :])


TABLES = (
    Table("cadets", (
        "id", "rank", *_PERSON, "address", "course", "year_level", "school_year", "battalion", "company", "platoon",
        "cadet_course", "semester", "corp_position", "gender", "religion", "birthdate", "status", "student_id",
        "profile_pic",
        "is_profile_completed", "is_archived", "created_at", "updated_at",
    ), accounts.cadets),
    Table("staff", (
        "id", "rank", *_PERSON, "role", "afpsn", "birthdate", "age", "height", "weight", "blood_type", "address",
        "civil_status", "nationality", "gender", "is_profile_completed", "is_archived", "created_at", "updated_at",
    ), accounts.staff),
    Table("users", (
        "id", "username", "email", "password", "role", "first_name", "last_name", "is_active", "is_staff",
        "is_approved",
        "cadet_id", "staff_id", "profile_pic", "last_seen", "created_at", "updated_at",
    ), accounts.users, green=_green_user),
    Table("user_settings", (
        "user_id", "email_alerts", "push_notifications", "activity_updates", "dark_mode", "compact_mode",
        "primary_color",
    ), accounts.user_settings, serial=False),
    Table("training_days", ("id", "date", "title", "description", "created_at"), training.training_days),
    Table("attendance", ("id", "training_day_id", "cadet_id", *_MARK), training.attendance),
    Table("staff_attendance", ("id", "training_day_id", "staff_id", *_MARK), training.staff_attendance),
    Table("excuse_letters", (
        "id", "cadet_id", "training_day_id", "date_absent", "reason", "file_url", "status", "created_at",
    ), training.excuse_letters),
    Table("activities", (
        "id", "title", "description", "date", "location", "type", "images", "created_by", "created_at", "updated_at",
    ), training.activities),
    Table("activity_cadets", ("activity_id", "cadet_id"), training.activity_cadets, serial=False),
    Table("grade_categories", ("id", "name", "weight", "description"), grading.grade_categories),
    Table("grades", (
        "id", "cadet_id", "category_id", "term", "score", "max_score", "status", "remarks", "graded_by", "created_at",
        "updated_at",
    ), grading.grades),
    Table("merit_demerit_logs", grading.MERIT_COLUMNS, grading.merit_demerit_logs),
    Table("files", (
        "id", "owner_id", "filename", "url", "public_id", "mime_type", "size", "metadata", "created_at",
    ), office.files, serial=False),
    Table("reports", (
        "id", "type", "status", "params", "file_id", "requested_by", "created_at", "completed_at",
    ), office.reports, serial=False),
    Table("messages", (
        "id", "room", "sender_id", "recipient_id", "subject", "content", "is_read", "created_at",
    ), office.messages),
    Table("notifications", ("id", "user_id", "type", "message", "priority", "is_read", "created_at"),
          office.notifications),
    Table("push_subscriptions", ("id", "user_id", "endpoint", "keys", "created_at"), office.push_subscriptions),
    Table("audit_logs", (
        "id", "table_name", "operation", "record_id", "user_id", "payload", "created_at",
    ), office.audit_logs),
    Table("settings", ("id", "key", "value"), office.settings),
)  # fmt: skip
