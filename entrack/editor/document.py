"""A text as an editor has it: a `Source` in, what could be read of it, what it means and all that is wrong with it out.

Problems are those of `check`, the same values, but for those that only drawn prompts show (`Document.drawn_problems`),
which take longer than a keystroke.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import define, field

from entrack.budget import Limit, within
from entrack.check.check import NOTHING_UNSAVED, Checked, check
from entrack.compile import CheckedSpec, count_tokens, prompt_problems
from entrack.diagnostics import Diagnostic, errors
from entrack.editor.parsed import Parsed, parsed
from entrack.frozen import frozen
from entrack.source import Source
from entrack.syntax import ast


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

    def is_of_files_of(self, other: Document) -> bool:
        """Whether all files that another analysis read were as they are in this one."""
        own, its = self.checked, other.checked
        return (own.read, own.contents, own.sources) == (its.read, its.contents, its.sources)


def analysed(source: Source, unsaved: Mapping[Path, str] = NOTHING_UNSAVED) -> Document:
    """A text, analysed. `unsaved` are the texts that the editor has of files."""
    reader = _Reader()
    with within() as budget:
        checked = check(source, {}, None, count_tokens, unsaved=unsaved, parse=reader)
    program = reader.read[source.name].program
    return Document(source, program, checked, checked.problems, reader.read, budget.spent)


@define
class _Reader:
    """Reads files, and keeps what it has read by their names."""

    read: dict[str, Parsed] = field(factory=dict)

    def __call__(self, source: Source) -> tuple[ast.Program, tuple[Diagnostic, ...]]:
        self.read[source.name] = Parsed(source, ast.Program(None, ()), (), {})  # where the work is more than allowed
        found = self.read[source.name] = parsed(source)
        return found.program, found.problems
