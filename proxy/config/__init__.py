"""The configuration: one YAML file, read into frozen values, every mistake reported at once (design.md section 11)."""

from proxy.config.backends import Backend
from proxy.config.load import json_schema, parse, read
from proxy.config.model import Config, GuardRule
from proxy.config.routes import Route

__all__ = ["Backend", "Config", "GuardRule", "Route", "json_schema", "parse", "read"]
