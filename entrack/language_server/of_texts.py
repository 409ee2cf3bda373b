"""Requests that are about a text as a whole."""

from __future__ import annotations

from lsprotocol import types

from entrack.editor.fixes import fixes
from entrack.editor.folding import folds
from entrack.editor.formatting import formatting
from entrack.editor.lenses import lenses
from entrack.editor.links import links
from entrack.editor.symbols import symbols
from entrack.editor.tokens import TYPES, coloured
from entrack.language_server import convert
from entrack.language_server.answering import Text, answers, of_text
from entrack.language_server.server import Server


@of_text(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]))
def code_action(ls: Server, text: Text, params: types.CodeActionParams) -> list[types.CodeAction]:
    start, end = text.offset(params.range.start), text.offset(params.range.end)
    texts, encoding = text.document.checked.texts, text.lines.encoding
    found = fixes(text.document, start, end, ls.opened.unsaved(text.uri))
    return [convert.action(fix, texts, encoding) for fix in found]


@of_text(types.TEXT_DOCUMENT_FORMATTING)
def format_text(ls: Server, text: Text, params: types.DocumentFormattingParams) -> list[types.TextEdit]:
    return [types.TextEdit(text.range(edit.span), edit.text) for edit in formatting(text.document)]


@of_text(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
def document_symbol(ls: Server, text: Text, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
    return [convert.symbol(one, text.lines) for one in symbols(text.document)]


@of_text(types.TEXT_DOCUMENT_FOLDING_RANGE)
def folding_range(ls: Server, text: Text, params: types.FoldingRangeParams) -> list[types.FoldingRange]:
    return [convert.fold(one, text.lines) for one in folds(text.document)]


@answers(
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL,
    types.SemanticTokensLegend(list(TYPES), [types.SemanticTokenModifiers.Declaration.value]),
)
def semantic_tokens(ls: Server, params: types.SemanticTokensParams) -> types.SemanticTokens:
    lines = ls.lines(params.text_document.uri)
    return convert.semantic_tokens(coloured(lines.text), lines)


@of_text(types.TEXT_DOCUMENT_DOCUMENT_LINK)
def document_link(ls: Server, text: Text, params: types.DocumentLinkParams) -> list[types.DocumentLink]:
    found = links(text.document)
    return [types.DocumentLink(text.range(link.span), target=convert.uri_of(str(link.path))) for link in found]


@of_text(types.TEXT_DOCUMENT_CODE_LENS)
def code_lens(ls: Server, text: Text, params: types.CodeLensParams) -> list[types.CodeLens]:
    ls.price(text.uri, text.document)
    found = lenses(text.document, ls.prices.get(text.uri, {}))
    return [types.CodeLens(text.range(lens.span), types.Command(lens.text, "")) for lens in found]
