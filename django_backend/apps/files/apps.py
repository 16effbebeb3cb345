"""Registers the files app with Django."""

from __future__ import annotations

from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "apps.files"
