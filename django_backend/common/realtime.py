"""Tells open pages what happened, in the frames of the WebSockets, whichever process it happened in.

The one way from a write to a socket is the channel layer: the same call in a web worker, in a background worker and in
a server of sockets.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from channels.layers import get_channel_layer

from common.copies.effects import after_commit


def publish(channel: str, kind: str, data: dict[str, Any], *, to: Collection[int] | None = None) -> None:
    """Send a frame to those who listen on `channel`, or to those of them who are in `to`, once it is true."""
    message = {"frame": {"type": kind, "data": data}, "to": None if to is None else sorted(to)}
    after_commit(f"realtime {channel}", lambda: get_channel_layer().tell(channel, message))


def publish_update(resource: str, action: str, row_id: int | None) -> None:
    """Tell everybody that a row changed, so that an open page can fetch it again; no id means many rows."""
    publish("updates", "update", {"resource": resource, "action": action, "id": row_id})
