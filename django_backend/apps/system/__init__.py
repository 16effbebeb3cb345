"""The audit log, the settings of the whole system, and its figures."""
