"""How gunicorn serves the backend; what differs between two machines comes from the environment."""

from __future__ import annotations

import os
from typing import Any

bind = f"0.0.0.0:{os.environ.get('PORT') or 8000}"
workers = int(os.environ.get("GUNICORN_WORKERS") or 2 * (os.cpu_count() or 1) + 1)

# Not `sync`: that class ignores `keepalive` and closes after each answer, so that the edge would open a connection for
# every request. Threads suit a backend that mostly waits for the database, and each keeps its database connection.
worker_class = "gthread"
threads = int(os.environ.get("GUNICORN_THREADS") or 4)
worker_connections = 1000

timeout = 120
# The edge gives its idle connections up earlier than this, so that it never writes into one that is being closed.
keepalive = 5

# Memory that leaks goes back to the system now and then; the jitter keeps the workers from leaving together.
max_requests = int(os.environ.get("GUNICORN_MAX_REQUESTS") or 1000)
max_requests_jitter = max_requests // 20

# The application is loaded once and shared by the workers. Nothing connects before the fork.
preload_app = True

# Nobody manages it through a socket in the home directory, which two backends on one machine would fight over.
control_socket_disable = True

accesslog = "-"
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL") or "info"
# Without the query: a socket's token would stand in it, if a client opened one at the wrong address.
access_log_format = '%(h)s "%(m)s %(U)s" %(s)s %(b)s %(D)sus %({x-request-id}o)s'

# Node takes long queries and 16 KiB of header; what it accepts must not fail here. 0 is no limit.
limit_request_line = 0
limit_request_fields = 200
limit_request_field_size = 65536


def post_worker_init(worker: Any) -> None:
    """Let the probes connect before the first request, so that a fresh worker does not report itself unhealthy."""
    from common.health import prepare

    prepare()
