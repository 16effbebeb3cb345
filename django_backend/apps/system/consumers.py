"""The socket that tells which rows changed."""

from __future__ import annotations

from common.sockets import SocketConsumer


class UpdatesConsumer(SocketConsumer):
    """Hears that a row changed, so that an open page can fetch it again."""

    group = "updates"
