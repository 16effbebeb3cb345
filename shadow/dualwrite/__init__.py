"""The durable, ordered journal of writes and its replay to the standby (design.md section 4), in the order of a write.

An edge makes an `entry` of it with the `lanes` that its route declares; the machine's `writer` appends it to the
`journal` together with what else has queued up; once its outcome is durable the `replay` brings it to the standby in an
order that `ordering` allows, with the values that `pinning` found in the active side's answer, and `retry` says what an
answer means. What nobody knows the outcome of is `resolve`d. `ordering`, `lanes`, `retry`, `pinning` and `entry` are
pure.
"""
