"""The steps and walks that other folders of tests have, too."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in ("plan", "store", "robustness", "engine", "e2e", "execution"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
