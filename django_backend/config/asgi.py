"""The entry point of an ASGI server: the WebSockets, and over HTTP what the WSGI server serves as well.

    daphne -b 0.0.0.0 -p $PORT config.asgi:application

Daphne reads no configuration file. What it does without being told is what we want (a socket lives for a day at most,
has 5 s for its handshake, is pinged every 20 s and given up after 30 s without an answer); what it cannot be told is
in `config/daphne.py`.
"""

from __future__ import annotations

import os
import sys

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

over_http = get_asgi_application()

# Only now: what serves a socket needs the models.
from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from common.health import prepare  # noqa: E402
from config import environment  # noqa: E402
from config.routing import sockets  # noqa: E402

environment.demand(settings.NEEDED_BY_SOCKETS)
application = ProtocolTypeRouter({"http": over_http, "websocket": sockets})

if "daphne.server" in sys.modules:
    # Its own command loads it before us, and makes its server after us.
    from config.daphne import adapt

    adapt()
    prepare()
