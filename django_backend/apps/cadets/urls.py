"""The paths of the group `cadets`; words come before ids, or they would be taken for one."""

from __future__ import annotations

from apps.cadets import apis
from common.paths import operations

urlpatterns = [
    operations("cadets", get=apis.CadetListApi, post=apis.CadetCreateApi),
    operations("cadets/me", get=apis.CadetMeApi),
    operations("cadets/import", post=apis.CadetImportApi),
    operations("cadets/bulk/archive", post=apis.CadetBulkArchiveApi),
    operations("cadets/bulk/restore", post=apis.CadetBulkRestoreApi),
    operations(
        "cadets/<cadet_id>",
        get=apis.CadetReadApi,
        put=apis.CadetUpdateApi,
        patch=apis.CadetUpdateApi,
        delete=apis.CadetArchiveApi,
    ),
]
