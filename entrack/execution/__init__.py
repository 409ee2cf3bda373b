"""Running a plan: what is ready, what a store has, who computes the rest, and the coordinator that asks them."""
