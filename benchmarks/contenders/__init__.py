"""Ways to do a task: one module each, with a class `Contender`. They meet entrack, or a peer, nowhere else."""
