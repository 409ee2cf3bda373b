"""The editors' colours know the words of the grammar, all of them and no others; their snippets are specs."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from entrack import api
from entrack.diagnostics.render import render_all
from entrack.editor.completion_files import ENDINGS
from entrack.source import Source
from entrack.version import __version__

ROOT = Path(__file__).parents[2]
EDITORS = ROOT / "editors"
EXTENSION = EDITORS / "vscode"


def _keywords() -> Any:
    spec = importlib.util.spec_from_file_location("editor_keywords", EDITORS / "keywords.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["editor_keywords"] = module
    spec.loader.exec_module(module)
    return module


keywords = _keywords()


def test_vs_code_tells_of_every_kind_of_file_that_a_spec_names() -> None:
    """But for weights of models, which are looked at when something runs."""
    text = (EXTENSION / "src" / "extension.js").read_text(encoding="utf-8")
    (told,) = re.findall(r"[*][*]/[*][.]\{([\w,]+)\}", text)
    named = {ending for endings in ENDINGS.values() for ending in endings if ending.startswith(".")}
    assert {f".{ending}" for ending in told.split(",")} == named - {".gguf"}


def _textmate() -> dict[str, str]:
    rules = json.loads(keywords.TEXTMATE.read_text(encoding="utf-8"))["patterns"]
    return {rule["name"]: rule["match"] for rule in rules if rule.get("name", "").startswith("keyword.")}


def manifest() -> Any:
    return json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))


def test_the_grammar_has_words() -> None:
    listed = keywords.LISTS
    assert {"discover", "task"} <= set(listed["declaring"]) <= set(listed["item"])
    assert {"entrack", "claim"} <= set(listed["item"]) - set(listed["declaring"])
    assert {"against", "coloured", "elsewhere"} <= set(listed["word"])
    assert not set(listed["item"]) & set(listed["word"])


@pytest.mark.parametrize("path", keywords.FILES, ids=lambda path: path.suffix)
def test_the_files_have_these_words(path: Path) -> None:
    assert keywords.filled(path) == path.read_text(encoding="utf-8"), "run `python editors/keywords.py`"


@pytest.mark.parametrize("path", keywords.FILES, ids=lambda path: path.suffix)
def test_a_file_without_a_place_for_words_is_told(path: Path) -> None:
    with pytest.raises(ValueError, match="0 places"):
        keywords.FILES[path]("nothing of an editor", "word", ["a"])


def test_colours_of_a_line() -> None:
    rules = _textmate()
    assert re.findall(rules["keyword.control.entrack"], "discover cir in base") == ["discover"]
    assert re.findall(rules["keyword.other.entrack"], "on 3 boxes against scrambled") == ["on", "against"]
    assert not re.search(rules["keyword.other.entrack"], "cir.one only ones")


def test_the_extension_is_of_this_version_and_licence() -> None:
    assert manifest()["version"] == __version__
    assert (EXTENSION / "LICENSE").read_text(encoding="utf-8") == (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_extension_reads_what_check_prints() -> None:
    """Its problem matcher finds the place of an error, where no language server does."""
    (matcher,) = manifest()["contributes"]["problemMatchers"]
    problems, sources = api.check(Source("specs/a b.et", 'entrack 1\nmodel base = bultin("x")\n'), {})
    lines = render_all(problems, sources).plain.splitlines()
    first, place = (
        re.search(pattern["regexp"], line) for pattern, line in zip(matcher["pattern"], lines, strict=False)
    )
    assert first is not None and first.groups()[:2] == ("error", problems[0].code)
    assert place is not None and place.groups() == ("specs/a b.et", "2", "14")


SNIPPETS = json.loads((EXTENSION / "snippets" / "entrack.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_is_a_piece_of_a_spec_in_the_one_style(name: str) -> None:
    text = expanded("\n".join(SNIPPETS[name]["body"]))
    whole = text if text.startswith("entrack") else f"entrack 1\n\n{text}"
    written, problems = api.formatted(Source("spec.et", whole))
    assert problems == ()
    assert written is not None and written.strip() == whole.strip()


def expanded(body: str) -> str:
    """A snippet with what stands in its places to begin with; of several the first."""
    text = re.sub(r"\$\{\d+\|((?:[^,|\\]|\\.)*)[^|]*\|\}", r"\1", body).replace("$0", "").replace("\\}", "\0")
    while (inner := re.sub(r"\$\{\d+:([^$}]*)\}", r"\1", text)) != text:
        text = inner
    assert "$" not in text
    return text.replace("\0", "}")
