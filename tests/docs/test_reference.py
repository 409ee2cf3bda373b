"""The reference of the Python interface is what the docstrings say, and all that is public is in it."""

from __future__ import annotations

import importlib.util
import re
import sys
from typing import Any

import pytest
from test_docs import ROOT

import entrack


def _reference() -> Any:
    spec = importlib.util.spec_from_file_location("docs_reference", ROOT / "docs" / "reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_reference"] = module
    spec.loader.exec_module(module)
    return module


reference = _reference()
PAGE = reference.PAGE.read_text(encoding="utf-8")


def test_the_page_is_made_from_the_docstrings() -> None:
    assert reference.page() == PAGE, "run `make docs`, or `python docs/build.py` for all pages"


def test_all_that_is_public_is_there() -> None:
    titles = set(re.findall(r"^#+ `([\w.]+)`$", PAGE, flags=re.MULTILINE))
    missing = [name for name in entrack.__all__ if name != "__version__" and not {name, f"entrack.{name}"} & titles]
    assert missing == []
    calls = set(re.findall(r"`(Spec\.\w+|Results\.\w+|Measure\.\w+|Discovery\.\w+)\(", _calls()))
    assert len(calls) > 8
    assert calls <= titles


def _calls() -> str:
    return (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def test_what_has_no_docstring_is_refused() -> None:
    def call(count: int) -> None: ...

    with pytest.raises(reference.Undocumented, match=r"Spec\.call has no docstring"):
        reference.described("Spec.call", call)


def test_a_signature_is_shown_as_it_is_declared() -> None:
    def call(path: str, /, *rest: int, seed: int = 0, purpose: str = "measure", **more: float) -> None:
        """Whatever."""

    shown = reference.signature("call", call)
    assert shown == "call(path: str, /, *rest: int, seed: int = 0, purpose: str = 'measure', **more: float) -> None"
