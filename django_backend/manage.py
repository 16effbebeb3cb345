#!/usr/bin/env python
"""Runs Django's commands, with the settings for development unless the environment names others."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
