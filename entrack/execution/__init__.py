"""Executors: where a plan's steps run. `local` runs them in this process, one after the other."""
