"""The words of the language, read from its grammar, and the editors' files with them put in: `python
editors/keywords.py`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from entrack.vocabulary import item_words, words

HERE = Path(__file__).parent
TEXTMATE = HERE / "vscode" / "syntaxes" / "entrack.tmLanguage.json"
VIM = HERE / "vim" / "syntax" / "entrack.vim"


def filled(text: str, vim: bool) -> str:
    """An editor's file with the words of the grammar between its marks."""
    gap = " " if vim else "|"
    items, rest = gap.join(item_words()), gap.join(word for word in words() if word not in item_words())
    if vim:
        text = re.sub(r"(?m)^(syn keyword entrackItem ).*$", rf"\g<1>{items}", text)
        return re.sub(r"(?m)^(syn keyword entrackWord ).*$", rf"\g<1>{rest}", text)
    text = re.sub(
        r'("name": "keyword\.control\.entrack",\s*"match": )"[^"]*"',
        lambda m: f'{m[1]}"(?<![.\\\\w])({items})(?!\\\\w)"',
        text,
    )
    return re.sub(
        r'("name": "keyword\.other\.entrack",\s*"match": )"[^"]*"',
        lambda m: f'{m[1]}"(?<![.\\\\w])({rest})(?!\\\\w)"',
        text,
    )


if __name__ == "__main__":
    changed = [
        path
        for path in (TEXTMATE, VIM)
        if filled(path.read_text(encoding="utf-8"), path is VIM) != path.read_text(encoding="utf-8")
    ]
    for path in changed:
        path.write_text(filled(path.read_text(encoding="utf-8"), path is VIM), encoding="utf-8")
        print(f"{path.relative_to(HERE)}: rewritten")
    sys.exit(0)
