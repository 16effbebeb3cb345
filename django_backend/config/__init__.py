"""How the backend is put together: settings, addresses, entry points."""
