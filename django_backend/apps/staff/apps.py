"""Registers the staff app with Django."""

from __future__ import annotations

from django.apps import AppConfig


class StaffConfig(AppConfig):
    name = "apps.staff"
