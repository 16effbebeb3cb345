"""The edge and the release.

A request meets `edge` first: it is routed, forwarded, captured and handed to the shadow. `release` holds the rules of
the journey from one backend to the other, `control` is the operator's door, `cli` the operator's words. `app` puts the
parts together, `supervisor` keeps the processes running.
"""
