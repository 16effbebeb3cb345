"""One request, in the order it meets these files.

`server` takes it off the wire, `head` reads its head or refuses it, `routing` (with `clients`) decides who answers,
`headers` makes the fields for the next hop, `upstream` (with `connection`) finds a connection, `forwarding` streams
both ways, `websocket` tunnels an upgrade, `capture` keeps a copy for the shadow, `handler` is the story that ties them,
and `pages` holds the answers that the edge gives itself.
"""
