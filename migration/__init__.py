"""Rows: from one backend's database to the other's and back, with a proof that none was lost or changed.

A mapping says, once and for both directions, what every column is on either side. Everything else is the engine,
which knows no table. In the order in which rows meet it: `fit` (do the databases look as the mapping says?), `scan`
(what can the target not represent?), `copy` or `export` and `load` (COPY on both ends), `verify` (hashes computed in
the databases, bisected to rows and columns), `heal` and `reconcile` (the rows that differ, and no others).
"""
