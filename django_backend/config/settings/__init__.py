"""One base for every deployment; the environment decides the rest."""
