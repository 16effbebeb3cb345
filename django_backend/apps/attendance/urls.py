"""The paths of the group `attendance`."""

from __future__ import annotations

from apps.attendance import apis, letter_apis
from common.paths import operations

urlpatterns = [
    operations("attendance/days", get=apis.DayListApi, post=apis.DayCreateApi),
    operations("attendance/days/<day_id>", get=apis.DayReadApi, put=apis.DayUpdateApi, delete=apis.DayDeleteApi),
    operations("attendance/days/<day_id>/records", get=apis.DayRecordsApi),
    operations("attendance/mark", post=apis.CadetMarkApi),
    operations("attendance/mark/bulk", post=apis.CadetBulkMarkApi),
    operations("attendance/scan", post=apis.ScanApi),
    operations("attendance/staff/mark", post=apis.StaffMarkApi),
    operations("attendance/my-history", get=apis.MyHistoryApi),
    operations("attendance/excuse-letters", get=letter_apis.LetterListApi, post=letter_apis.LetterCreateApi),
    operations("attendance/excuse-letters/<letter_id>/status", put=letter_apis.LetterJudgeApi),
]
