"""Registers the table of recorded answers with Django."""

from __future__ import annotations

from django.apps import AppConfig


class CopiesConfig(AppConfig):
    name = "common.copies"
