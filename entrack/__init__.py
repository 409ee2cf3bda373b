"""entrack: a language for experiments on the insides of language models.

    import entrack
    results = entrack.load("specs/quickstart.et").run()

Importing this package imports neither torch nor the parser; the names below are fetched when they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrack.api import Spec, SpecError, load, loads
    from entrack.results import Results

__all__ = ["Results", "Spec", "SpecError", "__version__", "load", "loads"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name in ("Spec", "SpecError", "load", "loads"):
        from entrack import api

        return getattr(api, name)
    if name == "Results":
        from entrack.results import Results

        return Results
    raise AttributeError(f"module 'entrack' has no attribute {name!r}")
