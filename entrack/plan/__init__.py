"""Plans: what has to be computed, as an immutable graph of steps, before a weight is read."""
