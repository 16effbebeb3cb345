"""The quirks of the legacy backend, each on the wire, through the edge. A package: its deployment lives as long."""
