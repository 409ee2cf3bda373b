"""The editors' colours know the words of the grammar, all of them and no others."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

EDITORS = Path(__file__).parents[2] / "editors"


def _keywords() -> Any:
    spec = importlib.util.spec_from_file_location("editor_keywords", EDITORS / "keywords.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["editor_keywords"] = module
    spec.loader.exec_module(module)
    return module


keywords = _keywords()


def _textmate() -> dict[str, str]:
    rules = json.loads(keywords.TEXTMATE.read_text(encoding="utf-8"))["patterns"]
    return {rule["name"]: rule["match"] for rule in rules if rule.get("name", "").startswith("keyword.")}


def test_the_grammar_has_words() -> None:
    assert {"discover", "against", "coloured", "elsewhere"} <= set(keywords.words())
    assert {"entrack", "task", "claim"} <= set(keywords.item_words()) <= set(keywords.words())


@pytest.mark.parametrize("path", [keywords.TEXTMATE, keywords.VIM], ids=lambda path: path.suffix)
def test_the_files_have_these_words(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert keywords.filled(text, path is keywords.VIM) == text, "run `python editors/keywords.py`"


def test_colours_of_a_line() -> None:
    rules = _textmate()
    assert re.findall(rules["keyword.control.entrack"], "discover cir in base") == ["discover"]
    assert re.findall(rules["keyword.other.entrack"], "on 3 boxes against scrambled") == ["on", "against"]
    assert not re.search(rules["keyword.other.entrack"], "cir.one only ones")


def test_vim_has_both_lists() -> None:
    text = keywords.VIM.read_text(encoding="utf-8")
    listed = re.findall(r"^syn keyword entrack(?:Item|Word) (.+)$", text, flags=re.MULTILINE)
    assert sorted(" ".join(listed).split()) == sorted(keywords.words())
