"""Uploaded files, wherever their bytes are kept."""
