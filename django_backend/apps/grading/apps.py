"""Registers the grading app with Django."""

from __future__ import annotations

from django.apps import AppConfig


class GradingConfig(AppConfig):
    name = "apps.grading"
