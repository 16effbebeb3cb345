"""Registers the cadets app with Django."""

from __future__ import annotations

from django.apps import AppConfig


class CadetsConfig(AppConfig):
    name = "apps.cadets"
