"""Findings: from stored outcomes to numbers - scores, selected heads, cells with intervals, claims. Numpy only; no
model."""
