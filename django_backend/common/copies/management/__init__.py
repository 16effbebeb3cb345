"""Commands for the table of recorded answers."""
