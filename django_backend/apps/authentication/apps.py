"""Registers the authentication app with Django."""

from __future__ import annotations

from django.apps import AppConfig


class AuthenticationConfig(AppConfig):
    name = "apps.authentication"
