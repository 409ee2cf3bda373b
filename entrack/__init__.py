"""entrack: a language for experiments on the insides of language models.

    import entrack
    results = entrack.load("specs/quickstart.et").run()

Importing this package imports neither torch nor the parser; the names below are fetched when they are asked for.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from entrack.version import __version__

if TYPE_CHECKING:
    from entrack.api import load, loads
    from entrack.compile import SpecError
    from entrack.engine.errors import EngineError
    from entrack.errors import ArgumentError, EntrackError, UnknownName
    from entrack.from_python.circuits import circuit
    from entrack.from_python.scores import scores
    from entrack.from_python.vectors import vector
    from entrack.models.weight_files import ModelMissing
    from entrack.results import Results
    from entrack.spec import Spec
    from entrack.spec_files import SpecMissing
    from entrack.store.errors import StoreError

__all__ = [
    "ArgumentError",
    "EngineError",
    "EntrackError",
    "ModelMissing",
    "Results",
    "Spec",
    "SpecError",
    "SpecMissing",
    "StoreError",
    "UnknownName",
    "__version__",
    "circuit",
    "load",
    "loads",
    "scores",
    "vector",
]
_WHERE = {
    **dict.fromkeys(("load", "loads"), "entrack.api"),
    "circuit": "entrack.from_python.circuits",
    "scores": "entrack.from_python.scores",
    "vector": "entrack.from_python.vectors",
    "Spec": "entrack.spec",
    "SpecError": "entrack.compile",
    "SpecMissing": "entrack.spec_files",
    **dict.fromkeys(("ArgumentError", "EntrackError", "UnknownName"), "entrack.errors"),
    "EngineError": "entrack.engine.errors",
    "ModelMissing": "entrack.models.weight_files",
    "Results": "entrack.results",
    "StoreError": "entrack.store.errors",
}


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'entrack' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_WHERE[name]), name)


def load_ipython_extension(shell: object) -> None:
    """`%load_ext entrack`: `%%entrack`, a spec in a cell. See docs/python.md."""
    from entrack.notebook import register
    from entrack.notebook.magic import Magic

    register(shell)
    shell.register_magic_function(Magic(shell).entrack, "line_cell", "entrack")  # type: ignore[attr-defined]


def _in_ipython() -> None:
    """Where IPython runs, tell it how results are shown; what shows them is loaded when one is."""
    asked = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = asked() if asked else None
    if shell is not None:
        from entrack.notebook import register

        register(shell)


_in_ipython()


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__} - {"TYPE_CHECKING", "annotations"})
