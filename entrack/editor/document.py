"""A text as an editor has it: a `Source` in, what could be read of it, what it means and all that is wrong with it out.

Problems are those of `check`, the same values, but for those that only drawn prompts show (`Document.drawn_problems`),
which take longer than a keystroke.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import field

from entrack import budget
from entrack.budget import Limit, within
from entrack.check.check import NOTHING_UNSAVED, Checked, check
from entrack.compile import CheckedSpec, count_tokens, prompt_problems
from entrack.diagnostics import Diagnostic, errors
from entrack.frozen import frozen
from entrack.source import Source
from entrack.syntax import ast
from entrack.syntax.parse import parse


@frozen
class Parsed:
    """One file as it was read; `pieces` is how many words, numbers and signs were counted for it."""

    source: Source
    program: ast.Program
    problems: tuple[Diagnostic, ...]
    pieces: int


@frozen
class Document:
    """`program` is what could be read of the text, after syntax errors too; `files` are all files of the spec as they
    were read, by name, this one among them; `spent` is the work that was done for it."""

    source: Source
    program: ast.Program
    checked: Checked = field(repr=False)
    problems: tuple[Diagnostic, ...]
    files: Mapping[str, Parsed] = field(factory=dict, eq=False, repr=False)
    spent: Mapping[Limit, int] = field(factory=dict, eq=False, repr=False)

    def drawn_problems(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the prompts, which `check` says of a spec without errors: a sample is drawn, with what is
        left of the work that a command may do."""
        if errors(self.problems):
            return ()
        with within() as budget:
            budget.spent.update(self.spent)
            return prompt_problems(CheckedSpec(self.source, self.checked))


def analysed(
    source: Source,
    unsaved: Mapping[Path, str] = NOTHING_UNSAVED,
    before: Document | Mapping[str, Parsed] | None = None,
) -> Document:
    """A text, analysed. `unsaved` are the texts that the editor has of files; `before` is the document before a
    change, or files by name, of which what did not change is taken over: the outcome is the same without it."""
    reader = _Reader(before.files if isinstance(before, Document) else before or {})
    with within() as budget:
        checked = check(source, {}, None, count_tokens, unsaved=unsaved, parse=reader)
    program = reader.read[source.name].program
    return Document(source, program, checked, checked.problems, reader.read, budget.spent)


def parsed(source: Source) -> Parsed:
    """One file, read."""
    start = _pieces()
    return Parsed(source, *parse(source), _pieces() - start)


class _Reader:
    """Reads files, or takes one over that has the same text and no errors: such a text is counted as it was, and
    whatever else was counted, nothing of it would be read otherwise."""

    def __init__(self, before: Mapping[str, Parsed]) -> None:
        self._before = before
        self.read: dict[str, Parsed] = {}

    def __call__(self, source: Source) -> tuple[ast.Program, tuple[Diagnostic, ...]]:
        known = self._before.get(source.name)
        if known is not None and known.source.text == source.text and not known.problems:
            budget.spend(budget.READ, known.pieces)
        else:
            self.read[source.name] = Parsed(source, ast.Program(None, ()), (), 0)  # where the work is more than allowed
            known = parsed(source)
        self.read[source.name] = known
        return known.program, known.problems


def _pieces() -> int:
    return budget.so_far().get(budget.READ, 0)
