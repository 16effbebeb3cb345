"""The operator's words: one file for each group of verbs, all talking to the control API.

`main` finds a verb without importing the others, so that each starts quickly.
"""
