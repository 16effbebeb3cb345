"""From the text of a YAML file to a `Config`, or to the list of all its mistakes."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from proxy.config.model import Config
from proxy.errors import ConfigError

_ADAPTER: TypeAdapter[Config] = TypeAdapter(Config)
_VARIABLE = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})")


def read(path: Path, environment: Mapping[str, str]) -> Config:
    """The configuration in a file. Raises ConfigError with every mistake, each with its path."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error
    return parse(text, environment)


def parse(text: str, environment: Mapping[str, str]) -> Config:
    """The configuration in `text`. `${VAR}` and `${VAR:-default}` are substituted in values, `$$` is a dollar."""
    try:
        document = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        hint = ' (inside braces a variable needs quotes: "${VAR}")' if "${" in text else ""
        raise ConfigError([f"not YAML: {' '.join(str(error).split())}{hint}"]) from error
    if not isinstance(document, dict):
        raise ConfigError(["expected a mapping with `backends` and `active` at the top"])
    mistakes: list[str] = []
    document = _substituted(document, environment, "", mistakes)
    try:
        config = _ADAPTER.validate_python(document)
    except ValidationError as error:
        mistakes += _explained(error) + _unknown_active(document)
    if mistakes:
        raise ConfigError(mistakes)
    return config


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    schema = _ADAPTER.json_schema(mode="validation")
    # This default is the machine's number of cores: the schema must be the same everywhere.
    del schema["$defs"]["Listen"]["properties"]["edges"]["default"]
    del schema["properties"]["listen"]["default"]["edges"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "cutover"}


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice, where PyYAML would silently take the last."""


def _mapping_without_repeats(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    loader.flatten_mapping(node)
    seen: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, f"expected a name, got {key!r}", key_node.start_mark)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"{key!r} is there twice", key_node.start_mark)
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_without_repeats)


def _substituted(value: Any, environment: Mapping[str, str], path: str, mistakes: list[str]) -> Any:
    if isinstance(value, dict):
        return {k: _substituted(v, environment, f"{path}.{k}".lstrip("."), mistakes) for k, v in value.items()}
    if isinstance(value, list):
        return [_substituted(v, environment, f"{path}.{i}", mistakes) for i, v in enumerate(value)]
    if isinstance(value, str) and "$" in value:
        return _expanded(value, environment, path, mistakes)
    return value


def _expanded(value: str, environment: Mapping[str, str], path: str, mistakes: list[str]) -> Any:
    def replacement(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name is None:
            return "$"
        found = environment.get(name) or default
        if found is None:
            mistakes.append(f"{path}: set the {name} environment variable, or give a default: ${{{name}:-…}}")
            return ""
        return found

    expanded = _VARIABLE.sub(replacement, value)
    if expanded == value or not _VARIABLE.fullmatch(value) or value == "$$":
        return expanded
    # A value that is one variable is read as YAML would read it, so `${PORT:-8080}` is a number; empty is null.
    scalar = yaml.safe_load(expanded) if expanded else None
    return scalar if isinstance(scalar, (int, float, bool)) or scalar is None else expanded


def _unknown_active(document: dict[str, Any]) -> list[str]:
    """The check of `Config` that cannot run while other fields are wrong, so that all mistakes come at once."""
    backends, active = document.get("backends"), document.get("active")
    if isinstance(backends, dict) and isinstance(active, str) and active not in backends:
        return [f"active: expected one of {', '.join(backends)}, got {active!r}"]
    return []


_SECRET = re.compile(r"token|secret|database|redis")


def _explained(error: ValidationError) -> list[str]:
    mistakes: list[str] = []
    for problem in error.errors(include_url=False):
        where = ".".join(str(part) for part in problem["loc"] if part not in ("[key]",))
        if problem["type"] == "value_error":
            told = str(problem["ctx"]["error"])
        elif problem["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            told = "is not a known setting"
        elif problem["type"] in ("missing", "missing_argument"):
            told = "is required"
        else:
            told = problem["msg"] + ("" if _SECRET.search(where) else f", got {_shown(problem['input'])}")
        mistakes += [f"{where}: {line}" if where else line for line in told.split("\n")]
    return list(dict.fromkeys(mistakes))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
