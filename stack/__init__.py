"""Everything on one machine: embedded servers, the two backends, sample data and load."""
