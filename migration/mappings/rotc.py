"""The ROTC Grading System: Node's twenty tables and Django's.

The two differ in three things: Node's times have no zone, one column is json there and jsonb here, and a password
hash stands behind the name of its hasher here. Everything else is carried as it is, warts included.
"""

from __future__ import annotations

from migration.kinds import (
    BOOLEAN,
    DATE,
    INTEGER,
    JSON,
    JSONB,
    NUMERIC,
    TEXT,
    TIMESTAMP,
    UUID,
    Hazard,
    Kind,
    Side,
)
from migration.mapping import Column, RowMapping, Table

# The length apart from the letters: a pattern that counts to 53 takes six times as long.
_HASH = r"\$2[aby]\$[0-9][0-9]\$[./A-Za-z0-9]+"
_IS_HASH = f"(length($c) = 60 AND $c ~ '^{_HASH}$')"
_IS_OURS = f"(length($c) = 67 AND $c ~ '^bcrypt[$]{_HASH}$')"
# Behind the mark there must be no hash: Node would see it without the mark, and let its owner in.
_IS_UNUSABLE = f"(left($c, 1) = '!' AND NOT (length($c) = 61 AND $c ~ '^!{_HASH}$'))"

# Whatever is no hash goes behind Django's mark of an unusable password: nobody could log in with it, nobody can, and
# it comes back letter by letter.
PASSWORD = Kind(
    "password", TEXT.old, TEXT.new,
    forward=f"CASE WHEN {_IS_HASH} THEN 'bcrypt$' || $c ELSE '!' || $c END",
    inverse="CASE WHEN left($c, 7) = 'bcrypt$' THEN substr($c, 8) "
            "WHEN left($c, 1) = '!' THEN substr($c, 2) ELSE $c END",
    hazards={
        Side.OLD: (
            Hazard("unusable", f"NOT {_IS_HASH}", "no hash: nobody can log in with it, on either side", note=True),
        ),
        Side.NEW: (
            Hazard("foreign_hash", f"NOT ({_IS_OURS} OR {_IS_UNUSABLE})",
                   "Node cannot verify it: the user would be locked out"),
        ),
    },
    valid={Side.NEW: f"{_IS_OURS} OR left($c, 1) = '!'"},
)  # fmt: skip


def _columns(kind: Kind, names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name in names.split())


def _text(names: str) -> tuple[Column, ...]:
    return _columns(TEXT, names)


def _times(names: str) -> tuple[Column, ...]:
    return _columns(TIMESTAMP, names)


def _to(table: str, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, INTEGER, references=table) for name in names)


ID = Column("id", INTEGER)
UUID_ID = Column("id", UUID)
PICTURE = Column("profile_pic", TEXT, url=True)
_NAMES = "first_name middle_name last_name suffix_name email contact_number"
_MARK = (*_text("status remarks time_in time_out"), *_times("created_at"))

ROTC = RowMapping(
    name="rotc",
    sides=("node", "django"),
    ignored={Side.NEW: ("django_*", "auth_*", "recorded_answers")},
    tables=(
        Table("cadets", (
            ID, *_text(f"rank {_NAMES} address course year_level school_year battalion company platoon cadet_course"),
            *_text("semester corp_position gender religion"), Column("birthdate", DATE), *_text("status student_id"),
            PICTURE, *_columns(BOOLEAN, "is_profile_completed is_archived"), *_times("created_at updated_at"),
        ), unique=(("student_id",),), lanes=("cadets/{id}",)),
        Table("staff", (
            ID, *_text(f"rank {_NAMES} role afpsn birthdate"), Column("age", INTEGER),
            *_text("height weight blood_type address civil_status nationality gender"),
            *_columns(BOOLEAN, "is_profile_completed is_archived"), *_times("created_at updated_at"),
        ), unique=(("email",),), lanes=("staff/{id}",)),
        Table("users", (
            ID, *_text("username email"), Column("password", PASSWORD, secret=True),
            *_text("role first_name last_name"), *_columns(BOOLEAN, "is_active is_staff"),
            Column("is_approved", INTEGER), *_to("cadets", "cadet_id"), *_to("staff", "staff_id"), PICTURE,
            *_times("last_seen created_at updated_at"),
        ), unique=(("username",),), lanes=("users/{id}",)),
        Table("user_settings", (
            *_to("users", "user_id"),
            *_columns(BOOLEAN, "email_alerts push_notifications activity_updates dark_mode compact_mode"),
            *_text("primary_color"),
        ), key=("user_id",), serial="", lanes=("users/{user_id}",)),
        Table("training_days", (ID, *_text("date title description"), *_times("created_at")), lanes=("days/{id}",)),
        Table("attendance", (ID, *_to("training_days", "training_day_id"), *_to("cadets", "cadet_id"), *_MARK),
              unique=(("training_day_id", "cadet_id"),), lanes=("marks/{training_day_id}/{cadet_id}",)),
        Table("staff_attendance", (ID, *_to("training_days", "training_day_id"), *_to("staff", "staff_id"), *_MARK),
              unique=(("training_day_id", "staff_id"),), lanes=("staff_marks/{training_day_id}/{staff_id}",)),
        Table("excuse_letters", (
            ID, *_to("cadets", "cadet_id"), *_to("training_days", "training_day_id"), Column("date_absent", DATE),
            *_text("reason"), Column("file_url", TEXT, url=True), *_text("status"), *_times("created_at"),
        ), lanes=("letters/{cadet_id}",)),
        Table("activities", (
            ID, *_text("title description date location type images"), *_to("users", "created_by"),
            *_times("created_at updated_at"),
        ), lanes=("activities/{id}",)),
        # Django's own join table has a number of its own, which says nothing.
        Table("activity_cadets", (*_to("activities", "activity_id"), *_to("cadets", "cadet_id")),
              key=("activity_id", "cadet_id"), serial="", made=("id",), lanes=("activities/{activity_id}",)),
        Table("grade_categories", (ID, *_text("name"), Column("weight", NUMERIC), *_text("description")),
              unique=(("name",),), lanes=("categories/{id}",)),
        Table("grades", (
            ID, *_to("cadets", "cadet_id"), *_to("grade_categories", "category_id"), *_text("term"),
            *_columns(NUMERIC, "score max_score"), *_text("status remarks"), *_to("users", "graded_by"),
            *_times("created_at updated_at"),
        ), unique=(("cadet_id", "category_id", "term"),), lanes=("grades/{cadet_id}",)),
        Table("merit_demerit_logs", (
            ID, *_to("cadets", "cadet_id"), *_text("type"), Column("points", INTEGER), *_text("reason"),
            *_to("users", "issued_by"), *_text("issued_by_name"), *_times("date_recorded"),
        ), lanes=("merits/{cadet_id}",)),
        Table("files", (
            UUID_ID, *_to("users", "owner_id"), *_text("filename"),
            Column("url", TEXT, url=True, url_size="size", url_type="mime_type"), *_text("public_id mime_type"),
            Column("size", INTEGER), Column("metadata", JSONB), *_times("created_at"),
        ), serial="", lanes=("files/{owner_id}",)),
        Table("reports", (
            UUID_ID, *_text("type status"), Column("params", JSON), Column("file_id", UUID, references="files"),
            *_to("users", "requested_by"), *_times("created_at completed_at"),
        ), serial="", lanes=("reports/{requested_by}",)),
        Table("messages", (
            ID, *_text("room"), *_to("users", "sender_id", "recipient_id"), *_text("subject content"),
            Column("is_read", BOOLEAN), *_times("created_at"),
        ), lanes=("rooms/{room}",)),
        # What a write about a cadet notifies is reached by the cadet; a broadcast has nobody, and its number.
        Table("notifications", (
            ID, *_to("users", "user_id"), *_text("type message priority"), Column("is_read", BOOLEAN),
            *_times("created_at"),
        ), lanes=("notifications/cadets/{user_id.cadet_id}", "notifications/users/{user_id}", "notices/{id}")),
        # No reference: neither side has a foreign key here, subscriptions outlive their users.
        Table("push_subscriptions", (ID, Column("user_id", INTEGER), *_text("endpoint keys"), *_times("created_at")),
              unique=(("endpoint",),), lanes=("subscriptions/{endpoint}",)),
        # Written by the trigger on merits, whose row is gone when its deletion is audited.
        Table("audit_logs", (
            ID, *_text("table_name operation record_id"), Column("user_id", INTEGER), Column("payload", JSONB),
            *_times("created_at"),
        ), lanes=("merits/{payload.cadet_id}",)),
        Table("settings", (ID, *_text("key value")), unique=(("key",),), lanes=("settings",)),
    ),
)  # fmt: skip
