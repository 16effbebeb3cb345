"""The description of health, which is answered before any operation is looked for."""

from __future__ import annotations

from common.openapi.shapes import INSTANT, STRING, Shape, answered

HEALTH_PATH = "/api/health"
_CONNECTED: Shape = {"type": "string", "enum": ["connected", "disconnected"]}
_RUNNING: Shape = {"type": "string", "enum": ["running", "stopped"]}
_REPORT = answered(
    {
        "status": {"type": "string", "enum": ["healthy", "degraded", "unhealthy"]},
        "timestamp": INSTANT,
        "services": answered({"database": _CONNECTED, "redis": _CONNECTED, "celery": _RUNNING}),
        "version": STRING,
    }
)
_CONTENT = {"application/json": {"schema": _REPORT}}
HEALTH: Shape = {
    "get": {
        "operationId": "health",
        "summary": "Says whether this backend and what it depends on are well.",
        "description": "For anybody, under any Host.",
        "tags": ["health"],
        "responses": {
            "200": {"description": "Healthy, or degraded: only Redis or Celery is down.", "content": _CONTENT},
            "503": {"description": "Unhealthy: the database is down.", "content": _CONTENT},
        },
    }
}
