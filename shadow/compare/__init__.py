"""Two answers to one question: `diff` finds where they differ, `rules` say what is allowed, `verdict` judges.

`noise` finds fields in which a backend disagrees with itself, `summary` groups what is left, `redact` removes secrets,
and `ledger` keeps the sums and a few examples for the operator.
"""
