"""Words that begin an item in other languages or in papers, and what they are here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from entrack.diagnostics import Diagnostic
from entrack.source import Source, Span
from entrack.syntax.foreign_heads import heads_written

T = TypeVar("T")
ASSIGNED = re.compile(r"([A-Za-z_]\w*)[ \t]*(?:=(?!=)|:=|:|<-)[ \t]*([^\n#]*)")
MEASURED = re.compile(r"(?:relative\s+)?(?:accuracy|probability|logit)\b[^\n]*")
ITEMS = "`model`, `task`, `alternate`, `discover`, `intervention`, `measure` or `claim`"


def item_at(source: Source, offset: int, word: str) -> Diagnostic | None:
    """What somebody meant who began an item with a word that begins none."""
    meant = _meant(source.text[offset:].split("\n", 1)[0], word)
    if meant is None:
        return None
    return Diagnostic("E109", meant[0], Span(source.name, offset, offset + len(word)), help=meant[1])


def _meant(line: str, word: str) -> tuple[str, str] | None:
    """Message and help for a line that begins with `word`."""
    assigned = ASSIGNED.match(line)
    if assigned is not None:
        return "an item begins with what it is", _declared(assigned.group(1), assigned.group(2).strip())
    if MEASURED.match(line):
        whole = line.strip() if " on " in line and len(line) <= 120 else "accuracy(MODEL) on 500 TASK"
        return "what is measured has a name", f"write `measure NAME = {whole}`"
    if word in INSIDE:
        where = INSIDE[word]
        braces = f"move it between the braces of {'an' if where[0] in 'ai' else 'a'} `{where}`"
        help = f"write `intervention NAME = {word} ...`" if where == "intervention" else braces
        return f"`{word}` stands inside `{where}`", help
    return FOREIGN.get(word.lower())


def _declared(name: str, value: str) -> str:
    """The declaration that an assignment stands for."""
    heads = heads_written(f"= {value}")
    if re.fullmatch(r"[-+]?\d+(\.\d+)?", value):
        return f"write `param {name} = {value}`"
    if re.match(r"(builtin|hub|local|gguf)\b", value) and len(value) <= 80:
        return f"write `model {name} = {value}`"
    if heads is not None:
        return f"write `group {name} in MODEL at POSITION = {heads}`"
    if MEASURED.match(value):
        return f"write `measure {name} = accuracy(MODEL) on 500 TASK`"
    if re.match(r"(keep|mean|zero|patch|freeze|block|add|project|scale)\b", value) and len(value) <= 80:
        return f"write `intervention {name} = {value}`"
    if re.match(r"""["']|\d*\s*(distinct|one|from|join|capitalise)\b""", value):
        return f"put it between the braces of a `task`: `task NAME {{ {name} = ... }}`"
    return f"begin with {ITEMS}"


def _by_word(rows: Iterable[tuple[str, T]]) -> Mapping[str, T]:
    return {word: said for words, said in rows for word in words.split()}


INSIDE = _by_word(
    (
        ("score", "discover"),
        ("at prompt answer", "task"),
        ("target", "desideratum"),
        ("fresh redraw shuffle", "alternate"),
        ("keep mean zero patch freeze block add project scale", "intervention"),
        ("title cite authors note", "about"),
    )
)
FOREIGN = _by_word(
    (words, (message, help))
    for words, message, help in (
        (
            "def fn func function lambda macro proc",
            "what is declared with parameters here is an `intervention` or a `task`",
            "write, for example, `intervention only(c) = keep c, mean elsewhere over ALTERNATE`",
        ),
        (
            "for while loop foreach repeat",
            "a loop stands at the end of a measure, and a list anywhere is a sweep",
            "write, for example, `measure m = accuracy(base with zero mlp[k] at last) on 500 boxes for k in layers`",
        ),
        (
            "import from use require load open",
            "another file of the spec comes in with `include`",
            'write `include "boxes.et"`; nothing of Python is needed',
        ),
        (
            "print show display return plot savefig",
            "what is shown is a `table` or a `figure`; the command line prints every measure",
            'write, for example, `table "Table 1" = m` or `figure "Figure 1" = bars(m)`',
        ),
        (
            "if else elif assert expect test check hypothesis verify",
            "what is checked is a `claim`",
            'write, for example, `claim "the circuit is faithful" m[only(cir)] >= 0.9`',
        ),
        (
            "let var const val set define auto final",
            "an item begins with what it is",
            "write `param n = 300` for a number that may be changed from outside",
        ),
        ("class struct type object dataclass", f"an item is a {ITEMS}", "write, for example, `task NAME { ... }`"),
        (
            "dataset data prompts prompt template sample dataloader examples",
            "prompts are drawn from a `task`",
            'write `task NAME { ... prompt = "..."  answer = ...  at last = end of prompt }`',
        ),
        (
            "experiment eval evaluate run metric score_of benchmark compute result",
            "what is computed is a `measure`",
            "write `measure NAME = accuracy(MODEL) on 500 TASK`",
        ),
        (
            "ablate ablation resample knockout hook steer edit corrupt",
            "what is done to heads and other sites is an `intervention`",
            "write, for example, `intervention without(c) = zero c`",
        ),
        (
            "find search trace locate activation_patching path_patching",
            "path patching is a `discover`",
            "write `discover NAME in MODEL on 300 TASK against ALTERNATE { ... }`",
        ),
        (
            "contrast counterfactual corrupted foil",
            "the other prompts of a pair are an `alternate`",
            "write `alternate NAME of TASK { fresh object }`",
        ),
        (
            "head heads",
            "heads are a `group`, with a model and a position",
            "write `group NAME in MODEL at POSITION = 14.13 15.2`",
        ),
    )
)
