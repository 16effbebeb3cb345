"""The operations of the group `auth`. Bodies and answers are in camelCase, but for a user's own profile."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from apps.authentication.access import access_user_by_credentials
from apps.authentication.models import User
from apps.authentication.selectors import PROFILE, user_preferences, user_profile
from apps.authentication.services import user_change_password, user_preferences_save, user_seen, user_token
from apps.authentication.shapes import HEARD, LOGGED_IN, SAVED
from common.api import Api
from common.exceptions import ApplicationError
from common.inputs import Reader, flag, read, storable, text
from common.openapi.description import described
from common.openapi.shapes import STRING, answered, body_of, columns_of, said


class LoginApi(Api):
    """Trades a name and a password for a token. Nothing is written."""

    authentication_classes = ()
    permission_classes = ()
    description = described(
        LOGGED_IN,
        json=body_of({"username": storable}, required=["username", "password"], password=STRING),
        refuses=[401, 403, 503],
    )

    def post(self, request: Request) -> Response:
        name, password = self._credentials()
        user = access_user_by_credentials(name, password)
        return Response(self._answer(user, user_token(user=user, now=self.now)))

    def _credentials(self) -> tuple[str, str]:
        body = self.fields()
        name, password = body.get("username"), body.get("password")
        if not (isinstance(name, str) and isinstance(password, str) and name and password):
            raise ApplicationError("Username and password are required")
        return read({"username": name}, {"username": storable})["username"], password

    def _answer(self, user: User, token: str) -> dict[str, Any]:
        shown = {
            "id": user.pk,
            "username": user.username,
            "email": user.email,
            "role": user.role,
            "firstName": user.first_name,
            "lastName": user.last_name,
            "profilePic": user.profile_pic,
        }
        return {"token": token, "role": user.role, "user": shown, "cadetId": user.cadet_id, "staffId": user.staff_id}


class LogoutApi(Api):
    """Says goodbye. The token stays good until it expires; forgetting it is up to the client."""

    description = described(said("Logged out"))

    def post(self, request: Request) -> Response:
        return Response({"message": "Logged out"})


class MeApi(Api):
    """Shows users themselves."""

    description = described(answered(columns_of(User, PROFILE)))

    def get(self, request: Request) -> Response:
        return Response(user_profile(self.viewer))


class PasswordChangeApi(Api):
    """Changes the own password."""

    description = described(
        said("Password updated"),
        json=body_of({}, required=["currentPassword", "newPassword"], currentPassword=STRING, newPassword=STRING),
    )

    def put(self, request: Request) -> Response:
        body = self.fields()
        user_change_password(user=self.viewer, current=body.get("currentPassword"), new=body.get("newPassword"))
        return Response({"message": "Password updated"})


class PreferencesReadApi(Api):
    """Shows the own preferences."""

    description = described(SAVED)

    def get(self, request: Request) -> Response:
        return Response(user_preferences(self.viewer))


class PreferencesUpdateApi(Api):
    """Saves some of the own preferences and answers all of them."""

    readers: ClassVar[dict[str, Reader]] = {
        "emailAlerts": flag,
        "pushNotifications": flag,
        "activityUpdates": flag,
        "darkMode": flag,
        "compactMode": flag,
        "primaryColor": text,
    }
    description = described(SAVED, json=body_of(readers))

    def put(self, request: Request) -> Response:
        user_preferences_save(user=self.viewer, changes=read(self.fields(), self.readers))
        return Response(user_preferences(self.viewer))


class HeartbeatApi(Api):
    """Notes that the user is here."""

    description = described(HEARD)

    def post(self, request: Request) -> Response:
        user_seen(user=self.viewer, now=self.now)
        return Response({"ok": True})
