"""The paths of the group `messaging`; words come before ids, or they would be taken for one."""

from __future__ import annotations

from apps.messaging import apis
from common.paths import operations

urlpatterns = [
    operations("messaging/rooms/<room...>/messages", get=apis.MessageListApi, post=apis.MessageCreateApi),
    operations("messaging/notifications", get=apis.NotificationListApi),
    operations("messaging/notifications/read-all", put=apis.NotificationReadAllApi),
    operations("messaging/notifications/<notification_id>/read", put=apis.NotificationReadApi),
    operations("messaging/notifications/<notification_id>", delete=apis.NotificationDeleteApi),
    operations("messaging/broadcast", post=apis.BroadcastApi),
    operations("messaging/push/subscribe", post=apis.PushSubscribeApi),
    operations("messaging/push/unsubscribe", post=apis.PushUnsubscribeApi),
]
