"""Values of `entrack/editor` as values of the Language Server Protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path

from entrack.diagnostics import Diagnostic, pages
from entrack.diagnostics.escape import clip
from entrack.editor.completion import Completion
from entrack.editor.edits import Edit
from entrack.editor.fixes import Fix
from entrack.editor.folding import Fold
from entrack.editor.positions import Lines, Place
from entrack.editor.symbols import Symbol
from entrack.editor.tokens import TYPES, Coloured
from entrack.source import Source, Span

KINDS = {
    "task": types.SymbolKind.Function,
    "alternate": types.SymbolKind.Function,
    "desideratum": types.SymbolKind.Function,
    "model": types.SymbolKind.Module,
    "include": types.SymbolKind.File,
    "param": types.SymbolKind.Constant,
    "seed": types.SymbolKind.Constant,
    "circuit": types.SymbolKind.Class,
    "discover": types.SymbolKind.Class,
    "mask": types.SymbolKind.Class,
    "group": types.SymbolKind.Field,
    "vector": types.SymbolKind.Array,
    "intervention": types.SymbolKind.Method,
    "measure": types.SymbolKind.Number,
    "claim": types.SymbolKind.Boolean,
    "figure": types.SymbolKind.Interface,
    "table": types.SymbolKind.Interface,
    "variable": types.SymbolKind.Variable,
    "position": types.SymbolKind.Key,
    "about": types.SymbolKind.String,
}
COMPLETED = {
    "word": types.CompletionItemKind.Keyword,
    "function": types.CompletionItemKind.Function,
    "site": types.CompletionItemKind.Value,
    "file": types.CompletionItemKind.File,
    "name": types.CompletionItemKind.Variable,
    "variable": types.CompletionItemKind.Variable,
    "position": types.CompletionItemKind.EnumMember,
    "model": types.CompletionItemKind.Module,
    "task": types.CompletionItemKind.Class,
    "param": types.CompletionItemKind.Constant,
    "measure": types.CompletionItemKind.Field,
    "intervention": types.CompletionItemKind.Method,
}
"""Kinds of what is offered; any other item is a reference to what was declared."""
LONGEST = 2000
Texts = Mapping[str, Source]


def uri_of(file: str) -> str:
    """The URI of a file as spans name it."""
    return from_fs_path(str(Path(file).absolute())) or ""


def position(place: Place) -> types.Position:
    return types.Position(place.line, place.column)


def place(position: types.Position) -> Place:
    return Place(position.line, position.character)


def range_of(lines: Lines, span: Span) -> types.Range:
    return types.Range(position(lines.place(span.start)), position(lines.place(span.end)))


def location(span: Span, texts: Texts, encoding: str) -> types.Location:
    """Where a span of any file is; the beginning of one whose text is not known."""
    text = texts[span.file].text if span.file in texts else ""
    return types.Location(uri_of(span.file), range_of(_lines(text, encoding), span))


@lru_cache(maxsize=32)
def _lines(text: str, encoding: str) -> Lines:
    return Lines(text, encoding)


@cache
def _page(code: str) -> types.CodeDescription | None:
    """Where the page of a code is."""
    path = pages.folder() / f"{code}.md"
    return types.CodeDescription(uri_of(str(path))) if path.is_file() else None


MISTAKE = types.Diagnostic(
    types.Range(types.Position(0, 0), types.Position(1, 0)),
    "this text cannot be analysed. This is a mistake in entrack: please report it with the text and what the log of "
    "the language server says",
    severity=types.DiagnosticSeverity.Error,
    source="entrack",
)
"""What is shown of a text whose analysis failed, in place of what was found in an earlier one."""


def diagnostic(problem: Diagnostic, texts: Texts, encoding: str) -> types.Diagnostic:
    """The same problem: message, label and help as `check` prints them, with its page and the places that it names."""
    parts = (problem.message, problem.label, f"help: {problem.help}" if problem.help else "")
    return types.Diagnostic(
        location(problem.span, texts, encoding).range,
        "\n".join(clip(part, LONGEST) for part in parts if part),
        severity=types.DiagnosticSeverity.Error if problem.is_error else types.DiagnosticSeverity.Warning,
        code=problem.code,
        code_description=_page(problem.code),
        source="entrack",
        related_information=[
            types.DiagnosticRelatedInformation(location(label.span, texts, encoding), clip(label.text, LONGEST))
            for label in problem.related
        ]
        or None,
    )


def workspace_edit(edits: Iterable[Edit], texts: Texts, encoding: str) -> types.WorkspaceEdit:
    """Edits of any files."""
    changes: dict[str, list[types.TextEdit]] = {}
    lines = {name: Lines(source.text, encoding) for name, source in texts.items()}
    for edit in edits:
        changed = types.TextEdit(range_of(lines[edit.span.file], edit.span), edit.text)
        changes.setdefault(uri_of(edit.span.file), []).append(changed)
    return types.WorkspaceEdit(changes)


def action(fix: Fix, texts: Texts, encoding: str) -> types.CodeAction:
    return types.CodeAction(
        fix.title,
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[diagnostic(fix.problem, texts, encoding)],
        edit=workspace_edit([fix.edit], texts, encoding),
        is_preferred=True,
    )


def completion(found: Completion, rank: int, lines: Lines) -> types.CompletionItem:
    """One of what may be written at a cursor, in its place among the others."""
    return types.CompletionItem(
        clip(found.label, 200),
        kind=COMPLETED.get(found.kind, types.CompletionItemKind.Reference),
        detail=f"{found.kind}: {clip(found.detail, LONGEST)}" if found.detail else found.kind,
        sort_text=f"{rank:05}",
        filter_text=found.text,
        text_edit=types.TextEdit(range_of(lines, found.replaces), found.text),
    )


def symbol(found: Symbol, lines: Lines) -> types.DocumentSymbol:
    return types.DocumentSymbol(
        clip(found.name, 200) or found.kind,
        KINDS[found.kind],
        range_of(lines, found.span),
        range_of(lines, found.name_span),
        detail=found.kind,
        children=[symbol(child, lines) for child in found.children],
    )


def fold(found: Fold, lines: Lines) -> types.FoldingRange:
    kind = types.FoldingRangeKind.Comment if found.comment else types.FoldingRangeKind.Region
    return types.FoldingRange(lines.place(found.span.start).line, lines.place(found.span.end).line, kind=kind)


def semantic_tokens(found: Iterable[Coloured], lines: Lines) -> types.SemanticTokens:
    """Five numbers a piece, its place as a distance from the one before."""
    data: list[int] = []
    before = Place(0, 0)
    kept = tuple(found)
    places = lines.places(offset for piece in kept for offset in (piece.start, piece.end))
    for piece, start, end in zip(kept, places, places, strict=True):
        down = start.line - before.line
        data += [down, start.column - (0 if down else before.column), end.column - start.column]
        data += [TYPES.index(piece.type), int(piece.declares)]
        before = start
    return types.SemanticTokens(data)
