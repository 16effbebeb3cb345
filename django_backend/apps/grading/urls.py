"""The paths of the group `grading`; words come before ids, or they would be taken for one."""

from __future__ import annotations

from apps.grading import apis, merit_apis
from common.paths import operations

urlpatterns = [
    operations("grading/categories", get=apis.CategoryListApi, post=apis.CategoryCreateApi),
    operations("grading/categories/<category_id>", put=apis.CategoryUpdateApi, delete=apis.CategoryDeleteApi),
    operations("grading/grades", get=apis.GradeListApi, post=apis.GradeCreateApi),
    operations("grading/grades/bulk", post=apis.GradeBulkApi),
    operations("grading/grades/<grade_id>", put=apis.GradeUpdateApi, delete=apis.GradeDeleteApi),
    operations("grading/cadets/<cadet_id>/summary", get=merit_apis.SummaryApi),
    operations("grading/cadets/<cadet_id>/ledger", get=merit_apis.LedgerApi),
    operations("grading/merit-logs", get=merit_apis.MeritLogListApi, post=merit_apis.MeritLogCreateApi),
    operations("grading/merit-logs/<log_id>", delete=merit_apis.MeritLogDeleteApi),
    operations("grading/leaderboard", get=merit_apis.LeaderboardApi),
]
