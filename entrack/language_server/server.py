"""The server: each request is answered by a function of `entrack/editor`, from the text as it is now.

Requests are answered one after the other, in the thread that reads them; what is slow is done in the background, and
pushed when it is there. A request that fails is logged, and answered with nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Generator
from functools import partial, wraps
from typing import Any, TypeVar

from lsprotocol import types
from pygls.exceptions import PyglsError
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

from entrack.diagnostics import Diagnostic
from entrack.editor.completion import TRIGGERS, completions
from entrack.editor.document import Document
from entrack.editor.fixes import fixes
from entrack.editor.folding import folds
from entrack.editor.formatting import formatting
from entrack.editor.links import links
from entrack.editor.positions import Lines
from entrack.editor.symbols import symbols
from entrack.editor.tokens import TYPES, coloured
from entrack.language_server import convert
from entrack.language_server.background import Background
from entrack.language_server.opened import AllOpened
from entrack.version import __version__

log = logging.getLogger(__name__)
SOON, LATER = 0.01, 0.4
"""Seconds from a change to its diagnostics, in which further changes are waited for, and to what is drawn."""
Answer = TypeVar("Answer")


class Protocol(LanguageServerProtocol):
    """pygls keeps texts by Python's lines, which a form feed ends too, and sets columns right in place: open texts are
    kept here alone."""

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None


class Server(LanguageServer):
    """`opened` are the open texts; `shown` the problems that each of them has in each file."""

    def __init__(self) -> None:
        super().__init__("entrack", __version__, protocol_cls=Protocol)
        self.opened = AllOpened()
        self.background = Background()
        self.shown: dict[str, dict[str, list[types.Diagnostic]]] = {}
        self._waiting: dict[str, asyncio.TimerHandle] = {}

    def lines(self, uri: str) -> Lines:
        opened = self.opened.by_uri.get(uri)
        return Lines("") if opened is None else opened.lines

    def report_server_error(self, error: Exception, source: type[PyglsError] | Any) -> None:
        """What fails is logged, and no window opens for it."""
        log.error("%s: %s", getattr(source, "__name__", source), error)

    # diagnostics

    def changed(self, uri: str) -> None:
        """Show what is wrong with a text, and with those that read it, once no change has come for a moment."""
        if uri in self._waiting:
            self._waiting[uri].cancel()
        self._waiting[uri] = asyncio.get_running_loop().call_later(SOON, self._show_all, uri)

    def _show_all(self, uri: str) -> None:
        self._waiting.pop(uri, None)
        self.show(uri)
        for other in self.opened.that_read(uri):
            self.show(other)

    def show(self, uri: str) -> None:
        """Show what is wrong with a text: at once what `check` says of it, and later what drawn prompts tell."""
        try:
            document = self.opened.document(uri)
        except Exception:
            log.exception("%s cannot be analysed", uri)
            return
        if document is None:
            self._publish(uri, None, ())
            return
        self._publish(uri, document, document.problems)
        version = self.opened.by_uri[uri].version
        loop = asyncio.get_running_loop()
        loop.call_later(LATER, self._draw, loop, uri, document, version)

    def _draw(self, loop: asyncio.AbstractEventLoop, uri: str, document: Document, version: int) -> None:
        def work() -> None:
            drawn = document.drawn_problems()
            if drawn:
                loop.call_soon_threadsafe(self._add, uri, document, version, drawn)

        self.background.do(partial(self.is_at, uri, version), work)

    def _add(self, uri: str, document: Document, version: int, drawn: tuple[Diagnostic, ...]) -> None:
        if self.is_at(uri, version):
            self._publish(uri, document, (*document.problems, *drawn))

    def is_at(self, uri: str, version: int) -> bool:
        """Whether a text is open and has not changed since."""
        opened = self.opened.by_uri.get(uri)
        return opened is not None and opened.version == version

    def _publish(self, uri: str, document: Document | None, problems: tuple[Diagnostic, ...]) -> None:
        """Send the problems of a text for each file that they are in, with those that other texts have there."""
        found: dict[str, list[types.Diagnostic]] = {} if document is None else {uri: []}
        if document is not None:
            own, texts = document.source.name, document.checked.texts
            for problem in problems:
                file = uri if problem.span.file in (own, "") else convert.uri_of(problem.span.file)
                found.setdefault(file, []).append(convert.diagnostic(problem, texts, self.opened.encoding))
        before = self.shown.pop(uri, {})
        if document is not None:
            self.shown[uri] = found
        for file in {**before, **found}:
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(file, self._in(file)))

    def _in(self, file: str) -> list[types.Diagnostic]:
        every = (problem for by_file in self.shown.values() for problem in by_file.get(file, []))
        return list({(one.code, repr(one.range), one.message): one for one in every}.values())


server = Server()
Handler = Callable[[Server, Any], Answer]


def answers(feature: str, options: Any = None) -> Callable[[Handler[Answer | None]], Handler[Answer | None]]:
    """A request and the function that answers it. What that raises is logged, and the answer is none."""

    def registered(handler: Handler[Answer | None]) -> Handler[Answer | None]:
        @wraps(handler)
        def careful(ls: Server, params: Any) -> Answer | None:
            try:
                return handler(ls, params)
            except Exception:
                log.exception("%s failed", feature)
                return None

        server.feature(feature, options)(careful)
        return careful

    return registered


# texts


@answers(types.INITIALIZED)
def initialized(ls: Server, params: types.InitializedParams) -> None:
    encoding = ls.server_capabilities.position_encoding
    ls.opened.encoding = str(getattr(encoding, "value", encoding) or "utf-16")


@answers(types.TEXT_DOCUMENT_DID_OPEN)
def did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    ls.opened.put(params.text_document.uri, params.text_document.text)
    ls.changed(params.text_document.uri)


@answers(types.TEXT_DOCUMENT_DID_CHANGE)
def did_change(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    uri = params.text_document.uri
    for change in params.content_changes:
        if isinstance(change, types.TextDocumentContentChangePartial):
            start, end = convert.place(change.range.start), convert.place(change.range.end)
            ls.opened.put(uri, ls.lines(uri).changed(start, end, change.text))
        else:
            ls.opened.put(uri, change.text)
    ls.changed(uri)


@answers(types.TEXT_DOCUMENT_DID_CLOSE)
def did_close(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    uri = params.text_document.uri
    readers = ls.opened.that_read(uri)
    ls.opened.close(uri)
    for one in (uri, *readers):
        ls.show(one)


@answers(types.TEXT_DOCUMENT_DID_SAVE)
def did_save(ls: Server, params: types.DidSaveTextDocumentParams) -> None:
    refresh(ls)


@answers(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
def did_change_files(ls: Server, params: types.DidChangeWatchedFilesParams) -> None:
    refresh(ls)


def refresh(ls: Server) -> None:
    """Files on the disk have changed, any of them: whatever is open is looked at again."""
    ls.opened.outdated()
    for uri in ls.opened.by_uri:
        ls.changed(uri)


# requests of one text


@answers(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=list(TRIGGERS)))
def completion(ls: Server, params: types.CompletionParams) -> types.CompletionList | None:
    uri = params.text_document.uri
    document, lines = ls.opened.document(uri), ls.lines(uri)
    if document is None:
        return None
    found = completions(document, lines.offset(convert.place(params.position)))
    items = [convert.completion(one, rank, lines) for rank, one in enumerate(found)]
    return types.CompletionList(is_incomplete=True, items=items)


@answers(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]))
def code_action(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction] | None:
    uri = params.text_document.uri
    document, lines = ls.opened.document(uri), ls.lines(uri)
    if document is None:
        return None
    start, end = (lines.offset(convert.place(one)) for one in (params.range.start, params.range.end))
    found = fixes(document, start, end, ls.opened.unsaved(uri))
    return [convert.action(fix, document.checked.texts, lines.encoding) for fix in found]


@answers(types.TEXT_DOCUMENT_FORMATTING)
def format_text(ls: Server, params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
    uri = params.text_document.uri
    document, lines = ls.opened.document(uri), ls.lines(uri)
    if document is None:
        return None
    edits = formatting(document.source)
    return [types.TextEdit(convert.range_of(lines, edit.span), edit.text) for edit in edits]


@answers(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
def document_symbol(ls: Server, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
    uri = params.text_document.uri
    document = ls.opened.document(uri)
    return None if document is None else [convert.symbol(one, ls.lines(uri)) for one in symbols(document)]


@answers(types.TEXT_DOCUMENT_FOLDING_RANGE)
def folding_range(ls: Server, params: types.FoldingRangeParams) -> list[types.FoldingRange] | None:
    uri = params.text_document.uri
    document = ls.opened.document(uri)
    return None if document is None else [convert.fold(one, ls.lines(uri)) for one in folds(document)]


@answers(
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL,
    types.SemanticTokensLegend(list(TYPES), [types.SemanticTokenModifiers.Declaration.value]),
)
def semantic_tokens(ls: Server, params: types.SemanticTokensParams) -> types.SemanticTokens:
    lines = ls.lines(params.text_document.uri)
    return convert.semantic_tokens(coloured(lines.text), lines)


@answers(types.TEXT_DOCUMENT_DOCUMENT_LINK)
def document_link(ls: Server, params: types.DocumentLinkParams) -> list[types.DocumentLink] | None:
    uri = params.text_document.uri
    document, lines = ls.opened.document(uri), ls.lines(uri)
    if document is None:
        return None
    return [
        types.DocumentLink(convert.range_of(lines, link.span), target=convert.uri_of(str(link.path)))
        for link in links(document)
    ]


def serve() -> None:
    """Serve one editor on standard input and output until it ends. What else is printed goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server.start_io(stdout=answers)
