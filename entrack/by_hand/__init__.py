"""The model in hand: a spec's model for traces that a person writes, with the spec's prompts, heads and measures."""
