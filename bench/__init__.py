"""Benchmarks: always beside a public peer, in one run, as ratios and medians."""
