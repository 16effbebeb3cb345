"""One request, in the order it meets these files.

`server` (with `beginnings`) takes it off the wire as an `arrived` request, `head` reads its head or refuses it,
`routing` (with `clients`) decides who answers, `headers` makes the fields for the next hop, `upstream` (with
`connection`) finds a connection, `forwarding` streams both ways, `websocket` (with `frames`) tunnels an upgrade,
`capture` keeps a copy for the shadow, `handler` is the story that ties them, and `pages` holds the answers that the
edge gives itself.
"""
