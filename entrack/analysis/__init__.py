"""Analysis: from stored outcomes to scores, selected heads, cells with intervals, and claims. Needs numpy, no model."""
