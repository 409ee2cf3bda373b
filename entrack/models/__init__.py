"""Models before a weight is read: where a model's files are, what its config.json says, and the digests that name
it."""
