"""The training staff of the corps."""
