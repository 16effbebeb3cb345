"""The standby's side of a migration, in the order an exchange meets it.

An edge captures an `exchange`, the `plan` says whether it is mirrored or why not, `mirroring` hands it over a local
channel to a `worker` in another process, which asks the other backend through the `sender` and has `compare` judge the
two answers. Nothing here can slow down or change what a client gets (design.md section 3).
"""
