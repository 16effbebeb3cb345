"""The paths of the group `activities`."""

from __future__ import annotations

from apps.activities import apis
from common.paths import operations

urlpatterns = [
    operations("activities", get=apis.ActivityListApi, post=apis.ActivityCreateApi),
    operations(
        "activities/<activity_id>",
        get=apis.ActivityReadApi,
        put=apis.ActivityUpdateApi,
        delete=apis.ActivityDeleteApi,
    ),
    operations("activities/<activity_id>/participants", post=apis.ParticipantsAddApi),
    operations("activities/<activity_id>/participants/<cadet_id>", delete=apis.ParticipantRemoveApi),
]
