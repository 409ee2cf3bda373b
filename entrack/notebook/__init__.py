"""Notebooks: a spec in a cell (`%%entrack`), and how specs, plans and results are shown. The one home of IPython.

`%load_ext entrack` loads the magic; the displays are there as soon as `import entrack` runs inside IPython
(`register`). What makes them is loaded when the first one is shown.
"""

from __future__ import annotations

from entrack.notebook.displays import register

__all__ = ["register"]
