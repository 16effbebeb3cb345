"""The API described for programs. Written by hand; a test checks that it names exactly the routes that there are."""

from __future__ import annotations

from typing import Any

from proxy.control.requests import (
    Asked,
    EraseAsked,
    HealAsked,
    PinAsked,
    RearmAsked,
    SkipAsked,
    StartAsked,
    UnpinAsked,
    WeightAsked,
)
from proxy.version import version

_NUMBER: dict[str, Any] = {"type": "number"}
_WHOLE: dict[str, Any] = {"type": "integer"}
_TEXT: dict[str, Any] = {"type": "string"}
_YES_OR_NO: dict[str, Any] = {"type": "boolean"}
_ANYTHING: dict[str, Any] = {"type": "object"}


def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "cutover control", "version": version(), "description": _DESCRIPTION},
        "security": [{"token": []}],
        "paths": _PATHS,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _SCHEMAS,
            "responses": {"Problem": _json("Refused or failed, with the reason.", "Problem")},
        },
    }


_DESCRIPTION = (
    "Every change is kept in the history with who made it and why, accepts `If-Match` with the state's version (412 if "
    "it is another one by now), and with `?dry_run=1` only says what it would do. 409 says why it is refused and what "
    "to do instead."
)


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _map(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": of}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _or_null(of: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [of, {"type": "null"}]}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ref(schema)}}}


def _query(name: str, description: str, of: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": of}


def _look(summary: str, schema: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": list(parameters),
        "responses": {"200": _json("Found.", schema), "default": {"$ref": "#/components/responses/Problem"}},
    }


_DRY_RUN = _query("dry_run", "1: only say what would happen.", {"enum": ["0", "1"]})
_WHO = {"name": "X-Cutover-Who", "in": "header", "description": "A name for the history.", "schema": _TEXT}
_IF_MATCH = {"name": "If-Match", "in": "header", "description": "The version of the state to change.", "schema": _TEXT}


def _change(
    summary: str, asked: type[Asked], became: str = "Outcome", conditions: tuple[dict[str, Any], ...] = (_IF_MATCH,)
) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": [_DRY_RUN, _WHO, *conditions],
        "requestBody": {"content": {"application/json": {"schema": asked.model_json_schema()}}},
        "responses": {"200": _json("Done.", became), "default": {"$ref": "#/components/responses/Problem"}},
    }


def _of_journal(summary: str, asked: type[Asked], *parameters: dict[str, Any]) -> dict[str, Any]:
    return _change(summary, asked, "JournalOutcome", parameters)


def _open(summary: str, *statuses: str, media: str = "application/json") -> dict[str, Any]:
    responses = {status: {"description": summary, "content": {media: {}}} for status in statuses}
    return {"summary": summary, "security": [], "responses": responses}


_STATE = _object(
    version=_WHOLE,
    epoch=_WHOLE,
    phase={"enum": ["resting", "shadowing", "ramping", "watching", "complete", "halted"]},
    active=_TEXT,
    standby=_TEXT,
    share={**_NUMBER, "description": "Percent of the clients whose reads the standby answers."},
    weights=_map(_NUMBER),
    route_shares=_map(_NUMBER),
    pins={**_WHOLE, "description": "How many clients are pinned."},
    guard={"enum": ["off", "armed", "inconclusive", "latched", "frozen"]},
    guard_reason=_TEXT,
)
_JUDGEMENT = _object(
    action={"enum": ["hold", "wait", "notify", "roll_back", "halt"]},
    rule=_TEXT,
    reason=_TEXT,
    evidence=_ANYTHING,
    seconds_ago=_NUMBER,
    by=_TEXT,
)
_ENTRY = _object(
    number=_WHOLE,
    state=_TEXT,
    route=_TEXT,
    lanes=_list(_TEXT),
    to=_TEXT,
    at=_TEXT,
    seconds_ago=_NUMBER,
    attempts=_WHOLE,
    may_have_landed=_YES_OR_NO,
    reason=_TEXT,
    id=_TEXT,
    **{"from": _TEXT},
)
_SCHEMAS: dict[str, Any] = {
    "Problem": _object(error=_TEXT, message=_TEXT, code=_WHOLE, details=_ANYTHING),
    "State": _STATE,
    "Outcome": _object(
        dry_run=_YES_OR_NO, changed=_YES_OR_NO, was=_ref("State"), state=_ref("State"), notes=_list(_TEXT)
    ),
    "Status": _object(
        version=_TEXT,
        data={"enum": ["separate", "shared"]},
        state=_ref("State"),
        effective=_object(seconds=_WHOLE, reads=_WHOLE, weights=_or_null(_map(_NUMBER)), held_home=_map(_WHOLE)),
        health=_map(_object(healthy=_or_null(_YES_OR_NO), reason=_TEXT, since=_TEXT)),
        guard=_object(
            state=_STATE["properties"]["guard"],
            reason=_TEXT,
            since=_or_null(_TEXT),
            looking=_YES_OR_NO,
            last=_or_null(_JUDGEMENT),
        ),
        edges=_list(_object(id=_TEXT, alive=_YES_OR_NO, agrees=_YES_OR_NO, version=_WHOLE, seconds_ago=_NUMBER)),
        mirror={"type": "object", "properties": {"available": _YES_OR_NO}, "required": ["available"]},
        journal=_ref("Journal"),
    ),
    "Journal": {
        "description": "Not available: only `reason`. Otherwise what waits, and why a person should look.",
        "type": "object",
        "properties": {
            "available": _YES_OR_NO,
            "reason": _TEXT,
            "alert": {"enum": ["ok", "attention"]},
            "reasons": _list(_TEXT),
            "lag_seconds": _NUMBER,
            "states": _map(_object(count=_WHOLE, oldest_seconds=_NUMBER)),
            "watch": _or_null(_ANYTHING),
            "replayer": _or_null(_object(term=_WHOLE, by=_TEXT)),
            "needs": _list(_ref("Entry")),
        },
        "required": ["available"],
    },
    "Entries": _object(entries=_list(_ref("Entry"))),
    "Entry": _ENTRY,
    "WholeEntry": _object(
        **_ENTRY["properties"],
        settled_at=_or_null(_TEXT),
        differed={**_TEXT, "description": "How the two answers differed; empty: they did not."},
        client=_or_null(_TEXT),
        method=_or_null(_TEXT),
        target=_or_null(_TEXT),
        answers=_map(_or_null(_object(status=_WHOLE, content_type=_TEXT, body=_TEXT))),
    ),
    "JournalOutcome": {
        **_object(dry_run=_YES_OR_NO, changed=_YES_OR_NO, notes=_list(_TEXT)),
        "description": "With `was` and `state` of an entry, `healed` numbers, or how many were `erased` and `kept`.",
    },
    "History": _object(
        history=_list(
            {
                **_object(
                    id=_WHOLE,
                    at=_TEXT,
                    version=_WHOLE,
                    epoch=_WHOLE,
                    kind=_TEXT,
                    why=_TEXT,
                    who=_TEXT,
                    evidence=_ANYTHING,
                ),
                "description": "With `from` and `to`: what was and what became of everything that differs.",
            }
        )
    ),
    "Diffs": _object(diffs=_list(_ref("Diff")), routes=_list(_ANYTHING), noise=_list(_ANYTHING)),
    "Diff": _object(
        id=_TEXT,
        route=_TEXT,
        pattern=_TEXT,
        kind=_TEXT,
        count=_WHOLE,
        first_seen=_TEXT,
        last_seen=_TEXT,
        status=_TEXT,
        rule=_or_null(_TEXT),
    ),
    "Pins": _object(pins=_map(_TEXT)),
    "Config": _ANYTHING,
    "OpenApi": _ANYTHING,
}
_ROUTE = _query("route", "Only this route.", _TEXT)
_LIMIT = _query("limit", "Rows at the most.", {"type": "integer", "minimum": 0, "maximum": 500, "default": 50})
_OFFSET = _query("offset", "Rows to leave out.", {"type": "integer", "minimum": 0, "default": 0})
_BEFORE = _query("before", "Only rows with a smaller id.", _WHOLE)
_STATES = _query("state", "Only these states, with commas; left out: what needs a person, the oldest first.", _TEXT)
_DIFFERED = _query("differed", "1: those whose answers differed, whatever became of them.", {"enum": ["1"]})
_NUMBERED = {"name": "number", "in": "path", "required": True, "schema": _WHOLE}
_ID = {"name": "id", "in": "path", "required": True, "schema": _TEXT}

_PATHS: dict[str, Any] = {
    "/api/status": {"get": _look("Everything that matters now.", "Status")},
    "/api/history": {"get": _look("Every change, the newest first.", "History", _LIMIT, _BEFORE)},
    "/api/diffs": {"get": _look("Groups of mismatched answers.", "Diffs", _ROUTE, _LIMIT, _OFFSET)},
    "/api/diffs/{id}": {"get": _look("One group with its examples.", "Diff", _ID)},
    "/api/config": {"get": _look("The configuration without its secrets.", "Config")},
    "/api/openapi.json": {"get": _look("This document.", "OpenApi")},
    "/api/weight": {"put": _change("Divide the reads.", WeightAsked)},
    "/api/pins": {
        "get": _look("Clients that always go to one backend.", "Pins"),
        "put": _change("Pin a client.", PinAsked),
        "delete": _change("Let the weights decide again.", UnpinAsked),
    },
    "/api/start": {"post": _change("Begin to copy and compare.", StartAsked)},
    "/api/stop": {"post": _change("Back to rest, everything on the active backend.", Asked)},
    "/api/rearm": {"post": _change("Let the guard act again.", RearmAsked)},
    "/api/journal": {"get": _look("What waits in the journal of writes, and what needs a person.", "Journal")},
    "/api/journal/entries": {"get": _look("Entries of the journal.", "Entries", _STATES, _DIFFERED, _LIMIT, _BEFORE)},
    "/api/journal/entries/{number}": {"get": _look("One entry with both answers, redacted.", "WholeEntry", _NUMBERED)},
    "/api/journal/entries/{number}/retry": {"post": _of_journal("Send a parked write again.", Asked, _NUMBERED)},
    "/api/journal/entries/{number}/skip": {"post": _of_journal("Let the standby do without it.", SkipAsked, _NUMBERED)},
    "/api/journal/entries/{number}/heal": {"post": _of_journal("Carry the rows of its lanes.", Asked, _NUMBERED)},
    "/api/journal/heal": {"post": _of_journal("Carry the rows of a lane.", HealAsked)},
    "/api/journal/erase": {"post": _of_journal("Forget one person's data.", EraseAsked)},
    "/metrics": {"get": _open("For Prometheus.", "200", media="text/plain")},
    "/healthz": {"get": _open("This process is alive.", "200")},
    "/readyz": {"get": _open("Whether the store answers.", "200", "503")},
}
