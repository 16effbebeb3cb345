"""Registers the attendance app with Django."""

from __future__ import annotations

from django.apps import AppConfig


class AttendanceConfig(AppConfig):
    name = "apps.attendance"
