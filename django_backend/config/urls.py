"""The addresses of the whole backend. Health is not among them: it is answered before any address is looked at."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from apps.activities.urls import urlpatterns as activities
from apps.attendance.urls import urlpatterns as attendance
from apps.authentication.urls import urlpatterns as authentication
from apps.cadets.urls import urlpatterns as cadets
from apps.files.urls import urlpatterns as files
from apps.grading.urls import urlpatterns as grading
from apps.messaging.urls import urlpatterns as messaging
from apps.reports.urls import urlpatterns as reports
from apps.staff.urls import urlpatterns as staff
from apps.system.urls import urlpatterns as system
from common.errors import not_found
from common.openapi.page import description_page

urlpatterns = [
    *authentication,
    *cadets,
    *staff,
    *activities,
    *attendance,
    *grading,
    *files,
    *reports,
    *messaging,
    *system,
    re_path(r"^api/schema/?$", description_page),
    path("admin/", admin.site.urls),
    # A view like any other, so that it answers in the envelope also while debugging; and to every method.
    re_path("", csrf_exempt(not_found)),
]

handler400 = "common.errors.bad_request"
handler403 = "common.errors.forbidden"
handler404 = "common.errors.not_found"
handler500 = "common.errors.server_error"
