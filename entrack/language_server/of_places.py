"""Requests that are about a place of a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from entrack.editor.completion import TRIGGERS, completions
from entrack.editor.definition import definitions, references
from entrack.editor.hover import hover
from entrack.editor.names import at, names_of
from entrack.editor.parsed import Parsed
from entrack.editor.rename import Refused, renamable, rename
from entrack.language_server import convert
from entrack.language_server.answering import Text, of_text
from entrack.language_server.server import REQUEST_FAILED, Server
from entrack.source import Source


@of_text(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=list(TRIGGERS)))
def completion(ls: Server, text: Text, params: types.CompletionParams) -> types.CompletionList:
    found = completions(text.document, text.offset(params.position))
    items = [convert.completion(one, rank, text.lines) for rank, one in enumerate(found)]
    return types.CompletionList(is_incomplete=True, items=items)


@of_text(types.TEXT_DOCUMENT_HOVER)
def hover_at(ls: Server, text: Text, params: types.HoverParams) -> types.Hover | None:
    ls.price(text.uri, text.document)
    found = hover(text.document, text.offset(params.position), ls.prices.get(text.uri, {}))
    if found is None:
        return None
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, found.text), text.range(found.span))


@of_text(types.TEXT_DOCUMENT_DEFINITION)
def definition(ls: Server, text: Text, params: types.DefinitionParams) -> list[types.Location]:
    texts, found = text.document.checked.texts, definitions(text.document, text.offset(params.position))
    return [convert.location(span, texts, ls.opened.encoding) for span in found]


@of_text(types.TEXT_DOCUMENT_REFERENCES)
def references_of(ls: Server, text: Text, params: types.ReferenceParams) -> list[types.Location]:
    offset = text.offset(params.position)
    specs = ls.specs_of_name(text.document, offset)
    found = references(specs, text.document.source.name, offset)
    declared = params.context.include_declaration
    spans = dict.fromkeys(one.span for one in found if declared or not one.declares)
    return [convert.location(span, texts_of(specs), ls.opened.encoding) for span in spans]


@of_text(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
def document_highlight(ls: Server, text: Text, params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
    found, file = names_of(text.document), text.document.source.name
    meant = {one.symbol for one in at(found, file, text.offset(params.position))}
    spans = dict.fromkeys(one.span for one in found if one.symbol in meant and one.span.file == file)
    return [types.DocumentHighlight(text.range(span)) for span in spans]


@of_text(types.TEXT_DOCUMENT_PREPARE_RENAME)
def prepare_rename(ls: Server, text: Text, params: types.PrepareRenameParams) -> types.Range:
    able = renamable(text.document, ls.specs_with(text.document), text.offset(params.position))
    if isinstance(able, Refused):
        raise JsonRpcException(able.why, REQUEST_FAILED)
    return text.range(able)


@of_text(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
def rename_at(ls: Server, text: Text, params: types.RenameParams) -> types.WorkspaceEdit:
    offset = text.offset(params.position)
    specs = ls.specs_of_name(text.document, offset)
    renamed = rename(text.document, specs, offset, params.new_name, ls.opened.unsaved())
    if isinstance(renamed, Refused):
        raise JsonRpcException(renamed.why, REQUEST_FAILED)
    return convert.workspace_edit(renamed.edits, texts_of(specs), ls.opened.encoding)


def texts_of(specs: Iterable[tuple[Parsed, ...]]) -> Mapping[str, Source]:
    """The texts of all files of some specs."""
    return {file.source.name: file.source for files in specs for file in files}
