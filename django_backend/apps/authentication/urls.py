"""The paths of the group `auth`."""

from __future__ import annotations

from apps.authentication import apis
from common.paths import operations

urlpatterns = [
    operations("auth/login", post=apis.LoginApi),
    operations("auth/logout", post=apis.LogoutApi),
    operations("auth/me", get=apis.MeApi),
    operations("auth/password", put=apis.PasswordChangeApi),
    operations("auth/settings", get=apis.PreferencesReadApi, put=apis.PreferencesUpdateApi),
    operations("auth/heartbeat", post=apis.HeartbeatApi),
]
