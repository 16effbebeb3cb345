"""What daphne has no flag for, in the classes that it leaves open: close reasons, 404, a goodbye, silence of tokens."""

from __future__ import annotations

import time
from typing import Any

from autobahn.websocket.types import ConnectionDeny
from daphne.cli import CommandLineInterface
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from common.logs import without_token

LONGEST_MESSAGE = 65_536
GOING_AWAY = 1001
# How long a client may take to answer our goodbye.
GOODBYE_SECONDS = 1.0


class Socket(WebSocketProtocol):  # type: ignore[misc]
    """One WebSocket, closed as the contract says."""

    maxMessagePayloadSize = LONGEST_MESSAGE
    maxFramePayloadSize = LONGEST_MESSAGE
    # So that the client hears 1009, and not nothing.
    failByDrop = False

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Do what the application says. It refuses a handshake only on a path that is nobody's."""
        if message["type"] != "websocket.close":
            super().handle_reply(message)
        elif self.state == self.STATE_CONNECTING:
            self.handshake_deferred.errback(ConnectionDeny(404, "Not Found"))  # type: ignore[no-untyped-call]
            del self.handshake_deferred
            self.server.protocol_disconnected(self)
        else:
            reason = str(message.get("reason") or "").encode() or None
            self.sendCloseFrame(code=message.get("code") or 1000, reasonUtf8=reason)

    def say_goodbye(self) -> None:
        """Tell the client that this server stops."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=GOING_AWAY)


class Sockets(Server):  # type: ignore[misc]
    """Daphne's server, with paths as they came, no token in its log, and a goodbye when it stops."""

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Start the application of a connection."""
        if scope["type"] == "websocket":
            # Daphne cuts what follows a semicolon.
            scope["raw_path"] = protocol.http_request_uri.partition("?")[0].encode()
        return super().create_application(protocol, scope)

    def log_action(self, protocol: str, action: str, details: dict[str, Any]) -> None:
        """Write to the access log."""
        if details.get("path"):
            details = {**details, "path": without_token(details["path"])}
        super().log_action(protocol, action, details)

    def kill_all_applications(self) -> Deferred[Any]:
        """Daphne asks for this when it is to stop, and waits for what it returns."""
        for connection in self.connections:
            if isinstance(connection, Socket):
                connection.say_goodbye()
        left = self._left_by(time.monotonic() + GOODBYE_SECONDS)
        return left.addCallback(lambda _: super(Sockets, self).kill_all_applications())

    def _left_by(self, deadline: float) -> Deferred[Any]:
        waiting = any(isinstance(one, Socket) and one.state != one.STATE_CLOSED for one in self.connections)
        later: Deferred[Any] = deferLater(reactor, 0.02 if waiting else 0)
        if waiting and time.monotonic() < deadline:
            later.addCallback(lambda _: self._left_by(deadline))
        return later


def adapt() -> None:
    """Let the command `daphne` of this process serve with these classes."""
    CommandLineInterface.server_class = Sockets
    WebSocketFactory.protocol = Socket
