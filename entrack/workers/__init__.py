"""Workers: processes that compute steps for a run, here or on other machines. `base.py` says what any kind of them
offers; the run's own process alone reads and writes the store."""

MOST = 1024
"""Workers that may be asked for."""
MOST_GPUS = 64
"""GPUs of a worker, at most."""
