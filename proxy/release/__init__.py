"""The rules of one release: which phases follow each other, what the weights may be, when they go home by themselves.

`phases`, `changes`, `weights`, `readings` and `guard` are pure: values in, values out. `reporting` carries the readings
from the edges, and `conductor` does what the guard says.
"""
