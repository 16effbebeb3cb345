"""One deterministic school: the rows that both databases are seeded with."""
