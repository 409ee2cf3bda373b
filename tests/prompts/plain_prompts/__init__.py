"""The plain way to draw a prompt: the tree of a task is walked for each. What compiled tasks are held to."""
