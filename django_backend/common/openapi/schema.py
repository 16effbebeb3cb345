"""How one operation is described: by its class, and by what it says in `description`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema

from common.openapi.description import JSON, OF_BODIES, Description
from common.openapi.shapes import INTEGER, STRING, Shape, answered

# Its name in the settings.
BEARER = "bearerAuth"
ENVELOPE: Shape = answered(
    {
        "error": {**STRING, "description": "The phrase of the status."},
        "message": {**STRING, "description": "For people."},
        "code": {**STRING, "pattern": "^[A-Z_]+$", "description": "For programs."},
        "details": {"type": ["object", "array"], "description": "What exactly is wrong, by name; or empty."},
    }
)
REFUSAL: Shape = {"$ref": "#/components/schemas/Error"}
OF_TOKENS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE})


class OperationSchema(AutoSchema):
    """Describes an `Api` and nothing else."""

    @property
    def described(self) -> Description:
        """What the operation says about itself."""
        found: Description = self.view.description  # type: ignore[attr-defined]
        return found

    def get_operation_id(self) -> str:
        name = type(self.view).__name__.removesuffix("Api")
        suffix = "Patch" if self.method == "PATCH" else ""
        return name[0].lower() + name[1:] + suffix

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").strip("/").split("/")[0]]

    def get_summary(self) -> str:
        return (type(self.view).__doc__ or "").split("\n")[0]

    def get_description(self) -> str:  # type: ignore[override]
        """Who may call it; the rest of the rules is in the contract."""
        return " ".join(str(permission.__doc__) for permission in self.view.permission_classes) or "For anybody."

    def get_auth(self) -> list[dict[str, Any]]:
        return [{BEARER: []}] if self.view.authentication_classes else []

    def _get_parameters(self) -> list[Shape]:
        said = self.described
        names = [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
        path = {name: said.path.get(name, INTEGER) for name in names}
        return [
            *({"name": name, "in": "path", "required": True, "schema": shape} for name, shape in path.items()),
            *({"name": name, "in": "query", "schema": shape} for name, shape in said.query.items()),
        ]

    def _get_request_body(self, direction: str = "request") -> Shape | None:
        bodies = self.described.body
        if not bodies:
            return None
        required = all(shape.get("required") for shape in bodies.values())
        return {"content": {kind: {"schema": shape} for kind, shape in bodies.items()}, "required": required}

    def _get_response_bodies(self, direction: str = "response") -> Shape:
        said = self.described
        status = HTTPStatus(said.status)
        answers = {str(int(status)): _answer(status.phrase, said.media_type, said.answer)}
        if said.redirects:
            location = {"Location": {"schema": STRING}}
            answers["302"] = {"description": "The bytes are at another place.", "headers": location}
        refused = {str(int(one)): _answer(HTTPStatus(one).phrase, JSON, REFUSAL) for one in self._refusals()}
        return {**answers, **refused}

    def _refusals(self) -> list[int]:
        said = self.described
        found: set[int] = set(said.refuses)
        if self.view.authentication_classes:
            found |= OF_TOKENS
        if said.body:
            found |= OF_BODIES
        if said.query or any(shape != STRING for shape in self._path_shapes()):
            found.add(HTTPStatus.BAD_REQUEST)
        return sorted(found)

    def _path_shapes(self) -> list[Shape]:
        return [parameter["schema"] for parameter in self._get_parameters() if parameter["in"] == "path"]


def _answer(phrase: str, media_type: str, shape: Shape) -> Shape:
    return {"description": phrase, "content": {media_type: {"schema": shape}}}
