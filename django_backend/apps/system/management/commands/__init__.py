"""Moving rows from the legacy database, by the names that the first plan gave these commands."""
