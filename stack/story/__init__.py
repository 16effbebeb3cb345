"""The story of `make demo`: the product at work on this machine, told as claims that held or did not.

`acts` are what happens, in order; `stage` is what they happen on; `operator` speaks to cutover as a person would, by
its command line; `report` keeps the claims.
"""
