"""How `cutover serve` is run on this machine: the one place that knows its arguments and its environment."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from stack.backends import BackendSettings
from stack.paths import ROOT
from stack.probes import http_answers, tcp_answers
from stack.processes import Program


@dataclass(frozen=True)
class EdgeSettings:
    """Where cutover listens and keeps what it knows."""

    config: Path
    port: int
    control_port: int
    database: str
    redis: str
    token: str

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def control_url(self) -> str:
        """Where operators go."""
        return f"http://127.0.0.1:{self.control_port}"

    def environment(self, backends: BackendSettings) -> dict[str, str]:
        """What the process, and the command line that speaks to it, must be told."""
        return {
            "PORT": str(self.port),
            "CUTOVER_CONTROL_PORT": str(self.control_port),
            "CUTOVER_CONTROL_URL": self.control_url,
            "CUTOVER_TOKEN": self.token,
            "CUTOVER_DATABASE_URL": self.database,
            "CUTOVER_REDIS_URL": self.redis,
            "CUTOVER_CONFIG": str(self.config),
            **({"CUTOVER_SECRET": backends.copy_secret} if backends.copy_secret else {}),
            "NODE_PORT": str(backends.node_port),
            "NODE_DATABASE_URL": backends.node_database,
            "DJANGO_PORT": str(backends.django_port),
            **({"DJANGO_WS_PORT": str(backends.django_ws_port)} if backends.django_ws_port else {}),
            "DJANGO_DATABASE_URL": backends.django_database,
            "JWT_SECRET": backends.jwt_secret,
        }


def edge_program(edge: EdgeSettings, backends: BackendSettings) -> Program:
    """`cutover serve`, ready once its edge and its control API are: either may be first."""
    answers, listens = http_answers(f"{edge.control_url}/readyz"), tcp_answers(edge.port)
    return Program(
        "cutover",
        [sys.executable, "-m", "proxy.cli.main", "serve", "--config", str(edge.config)],
        ROOT,
        os.environ | edge.environment(backends),
        ready=lambda: listens() and answers(),
        stop_within=30,
    )
