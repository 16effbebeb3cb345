"""Registers the system app with Django."""

from __future__ import annotations

from django.apps import AppConfig


class SystemConfig(AppConfig):
    name = "apps.system"
