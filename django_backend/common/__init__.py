"""What every app shares: errors, tokens, paths, pages, health."""
