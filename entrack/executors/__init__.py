"""Executors: where a plan's steps run. `here` runs them in this process, one after the other."""
