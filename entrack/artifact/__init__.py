"""A spec as a paper's artifact: its lock, a pack of all that its numbers rest on, and the verification of a pack."""
