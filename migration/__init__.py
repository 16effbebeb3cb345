"""Rows: copy, verify, heal between the two databases (design.md section 5)."""
