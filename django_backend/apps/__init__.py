"""One package per group of the API, all alike inside."""
