"""The glossary holds: each line of a spec in it is valid, and each file that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_docs import ROOT, _completed, _problems, folder

__all__ = ["folder"]
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and line.count("|") == 4
]
EXAMPLES = {word: example.strip("`") for word, _, example in ROWS if example.startswith("`")}
ASKED_FOR = (
    "activation patching, causal tracing, resample ablation, mean ablation, zero ablation, corrupted prompt, clean "
    "run, counterfactual, residual stream, attention head, hook, cache, attention knockout, path patching, "
    "attribution patching, integrated gradients, logit difference, cmap, dcm, circuit, faithfulness, "
    "completeness, minimality, probe, steering"
)
"""Words that somebody who has read papers looks for."""


@pytest.mark.parametrize("word", EXAMPLES)
def test_each_line_of_a_spec_is_valid(word: str, folder: Path) -> None:
    path = folder / "spec.et"
    path.write_text(_completed(EXAMPLES[word] + "\n"), encoding="utf-8")
    assert _problems(path) == (), EXAMPLES[word]


def test_each_word_is_there_with_what_it_is_here() -> None:
    words = "\n".join(line.split("|")[1].lower() for line in PAGE.splitlines() if line.startswith("| "))
    assert [word for word in ASKED_FOR.split(", ") if not re.search(rf"\b{word}\b", words)] == []
    assert all(meaning for _, meaning, _ in ROWS)
    assert len(EXAMPLES) >= 30


def test_what_is_not_in_the_language_has_no_example() -> None:
    assert [word for word, meaning, example in ROWS if meaning.startswith("not in the language") and example] == []


def test_the_files_are_there() -> None:
    named = re.findall(r"`(entrack/[\w./]+)`", PAGE)
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []
