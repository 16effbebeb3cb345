"""Registers the activities app with Django."""

from __future__ import annotations

from django.apps import AppConfig


class ActivitiesConfig(AppConfig):
    name = "apps.activities"
