"""Makes the tiny models of `tests/engine` and the tasks of `tests/e2e` importable."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("engine", "e2e")]
