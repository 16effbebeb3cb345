"""The paths of the group `staff`; words come before ids, or they would be taken for one."""

from __future__ import annotations

from apps.staff import apis
from common.paths import operations

urlpatterns = [
    operations("staff", get=apis.StaffListApi, post=apis.StaffCreateApi),
    operations("staff/me", get=apis.StaffMeApi),
    operations("staff/import", post=apis.StaffImportApi),
    operations("staff/bulk/archive", post=apis.StaffBulkArchiveApi),
    operations("staff/bulk/restore", post=apis.StaffBulkRestoreApi),
    operations(
        "staff/<staff_id>",
        get=apis.StaffReadApi,
        put=apis.StaffUpdateApi,
        patch=apis.StaffUpdateApi,
        delete=apis.StaffArchiveApi,
    ),
]
