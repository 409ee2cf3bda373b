"""The server: each request is answered by a function of `entrack/editor`, from the text as it is now.

Requests are answered one after the other, in the thread that reads them; what is slow is done in the background, and
pushed when it is there. A request that fails is logged, and answered with nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException, PyglsError
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.uris import to_fs_path

from entrack.diagnostics import Diagnostic
from entrack.editor.completion import TRIGGERS, completions
from entrack.editor.definition import definitions, references
from entrack.editor.document import Document
from entrack.editor.fixes import fixes
from entrack.editor.folding import folds
from entrack.editor.formatting import formatting
from entrack.editor.hover import hover
from entrack.editor.lenses import Priced, Unwanted, lenses, priced
from entrack.editor.links import links
from entrack.editor.names import at, names_of
from entrack.editor.parsed import Parsed
from entrack.editor.positions import Lines
from entrack.editor.rename import Refused, renamable, rename
from entrack.editor.symbols import symbols
from entrack.editor.tokens import TYPES, coloured
from entrack.editor.workspace import Workspace
from entrack.language_server import convert
from entrack.language_server.background import Background
from entrack.language_server.garbage import Garbage
from entrack.language_server.opened import AllOpened
from entrack.source import Source
from entrack.version import __version__

log = logging.getLogger(__name__)
SOON, LATER = 0.01, 0.4
"""Seconds from a change to its diagnostics, in which further changes are waited for, and to what is drawn and
planned."""
MOST = 200
"""Problems of a text that are shown, as `check` shows."""
REQUEST_FAILED = -32803
"""Of a request that is refused, with the reason."""
Answer = TypeVar("Answer")


class Protocol(LanguageServerProtocol):
    """pygls keeps texts by Python's lines, which a form feed ends too, and sets columns right in place: open texts are
    kept here alone."""

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None


class Server(LanguageServer):
    """`opened` are the open texts, `workspace` the specs of its folders; `shown` the problems that each open text has
    in each file, `prices` what its items cost, and of which version that was asked."""

    def __init__(self) -> None:
        super().__init__("entrack", __version__, protocol_cls=Protocol)
        self.opened = AllOpened()
        self.workspace_specs = Workspace()
        self.background = Background()
        self.garbage = Garbage()
        self.prices: dict[str, Mapping[str, Priced]] = {}
        self.priced: dict[str, int] = {}
        self.shown: dict[str, dict[str, list[types.Diagnostic]]] = {}
        self._waiting: dict[str, asyncio.TimerHandle] = {}

    def lines(self, uri: str) -> Lines:
        opened = self.opened.by_uri.get(uri)
        return Lines("") if opened is None else opened.lines

    def report_server_error(self, error: Exception, source: type[PyglsError] | Any) -> None:
        """What fails is logged, and no window opens for it."""
        if not is_refusal(error):
            log.error("%s: %s", getattr(source, "__name__", source), error)

    def specs_with(self, document: Document) -> tuple[tuple[Parsed, ...], ...]:
        """The specs that a text is part of; itself, where its folder is none of the workspace's."""
        return self.workspace_specs.specs_with(document.source.name, self.opened.unsaved())

    def specs_of_name(self, document: Document, offset: int) -> tuple[tuple[Parsed, ...], ...]:
        """The specs that have what stands at an offset of a text."""
        return self.workspace_specs.specs_of_name(document.source.name, offset, self.opened.unsaved())

    # costs

    def price(self, uri: str, document: Document) -> None:
        """Have it found out in the background what the items of a text cost, unless that is done."""
        version = self.opened.by_uri[uri].version
        if self.priced.get(uri) != version:
            self.priced[uri] = version
            loop, wanted = asyncio.get_running_loop(), partial(self.is_at, uri, version)
            loop.call_later(LATER, self.background.do, wanted, partial(self._price, loop, uri, document, wanted))

    def _price(self, loop: asyncio.AbstractEventLoop, uri: str, document: Document, wanted: Callable[[], bool]) -> None:
        with suppress(Unwanted):
            prices = priced(document, wanted=wanted)
            if prices and wanted():
                loop.call_soon_threadsafe(self._keep_prices, uri, prices)

    def _keep_prices(self, uri: str, prices: Mapping[str, Priced]) -> None:
        self.prices[uri] = prices
        lens = getattr(self.client_capabilities.workspace, "code_lens", None)
        if lens is not None and lens.refresh_support:
            self.workspace_code_lens_refresh(None)

    # diagnostics

    def changed(self, uri: str) -> None:
        """Show what is wrong with a text, and with those that read it, once no change has come for a moment."""
        self.garbage.put_off()
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
            for problem in problems[:MOST]:
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


def is_refusal(error: object) -> bool:
    """Whether a request was answered with a reason why it cannot be done: nothing has failed."""
    return isinstance(error, JsonRpcException) and error.code == REQUEST_FAILED


def is_news(record: logging.LogRecord) -> bool:
    """pygls logs every answer that is an error."""
    return record.exc_info is None or not is_refusal(record.exc_info[1])


logging.getLogger("pygls.protocol.json_rpc").addFilter(is_news)
server = Server()
Handler = Callable[[Server, Any], Answer]


def answers(feature: str, options: Any = None) -> Callable[[Handler[Answer | None]], Handler[Answer | None]]:
    """A request and the function that answers it."""

    def registered(handler: Handler[Answer | None]) -> Handler[Answer | None]:
        answering = careful(feature, handler)
        server.feature(feature, options)(answering)
        return answering

    return registered


def careful(feature: str, handler: Handler[Answer | None]) -> Handler[Answer | None]:
    """The same function; what it raises is logged, and the answer is none. A refusal is told."""

    @wraps(handler)
    def answering(ls: Server, params: Any) -> Answer | None:
        try:
            return handler(ls, params)
        except JsonRpcException:
            raise
        except Exception:
            log.exception("%s failed", feature)
            return None

    return answering


# texts


@answers(types.INITIALIZED)
def initialized(ls: Server, params: types.InitializedParams) -> None:
    encoding = ls.server_capabilities.position_encoding
    ls.opened.encoding = str(getattr(encoding, "value", encoding) or "utf-16")
    folders = [folder.uri for folder in ls.workspace.folders.values()] or [ls.workspace.root_uri or ""]
    paths = (to_fs_path(uri) for uri in folders if uri)
    ls.workspace_specs.roots = tuple(Path(path) for path in paths if path)


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
    ls.priced.clear()
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
    edits = formatting(document)
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


@answers(types.TEXT_DOCUMENT_CODE_LENS)
def code_lens(ls: Server, params: types.CodeLensParams) -> list[types.CodeLens] | None:
    uri = params.text_document.uri
    document = ls.opened.document(uri)
    if document is None:
        return None
    ls.price(uri, document)
    return [
        types.CodeLens(convert.range_of(ls.lines(uri), lens.span), types.Command(lens.text, ""))
        for lens in lenses(document, ls.prices.get(uri, {}))
    ]


# requests of a place


@answers(types.TEXT_DOCUMENT_HOVER)
def hover_at(ls: Server, params: types.HoverParams) -> types.Hover | None:
    document, offset = asked(ls, params)
    if document is None:
        return None
    uri = params.text_document.uri
    ls.price(uri, document)
    found = hover(document, offset, ls.prices.get(uri, {}))
    if found is None:
        return None
    said = types.MarkupContent(types.MarkupKind.Markdown, found.text)
    return types.Hover(said, convert.range_of(ls.lines(uri), found.span))


@answers(types.TEXT_DOCUMENT_DEFINITION)
def definition(ls: Server, params: types.DefinitionParams) -> list[types.Location] | None:
    document, offset = asked(ls, params)
    if document is None:
        return None
    texts, encoding = document.checked.texts, ls.opened.encoding
    return [convert.location(span, texts, encoding) for span in definitions(document, offset)]


@answers(types.TEXT_DOCUMENT_REFERENCES)
def references_of(ls: Server, params: types.ReferenceParams) -> list[types.Location] | None:
    document, offset = asked(ls, params)
    if document is None:
        return None
    specs = ls.specs_of_name(document, offset)
    found = references(specs, document.source.name, offset)
    declared = params.context.include_declaration
    spans = dict.fromkeys(one.span for one in found if declared or not one.declares)
    return [convert.location(span, texts_of(specs), ls.opened.encoding) for span in spans]


@answers(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
def document_highlight(ls: Server, params: types.DocumentHighlightParams) -> list[types.DocumentHighlight] | None:
    document, offset = asked(ls, params)
    if document is None:
        return None
    found, file = names_of(document), document.source.name
    meant = {one.symbol for one in at(found, file, offset)}
    spans = dict.fromkeys(one.span for one in found if one.symbol in meant and one.span.file == file)
    lines = ls.lines(params.text_document.uri)
    return [types.DocumentHighlight(convert.range_of(lines, span)) for span in spans]


@answers(types.TEXT_DOCUMENT_PREPARE_RENAME)
def prepare_rename(ls: Server, params: types.PrepareRenameParams) -> types.Range | None:
    document, offset = asked(ls, params)
    if document is None:
        return None
    uri = params.text_document.uri
    able = renamable(document, ls.specs_with(document), offset)
    if isinstance(able, Refused):
        raise JsonRpcException(able.why, REQUEST_FAILED)
    return convert.range_of(ls.lines(uri), able)


@answers(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
def rename_at(ls: Server, params: types.RenameParams) -> types.WorkspaceEdit | None:
    document, offset = asked(ls, params)
    if document is None:
        return None
    specs = ls.specs_of_name(document, offset)
    renamed = rename(document, specs, offset, params.new_name, ls.opened.unsaved())
    if isinstance(renamed, Refused):
        raise JsonRpcException(renamed.why, REQUEST_FAILED)
    return convert.workspace_edit(renamed.edits, texts_of(specs), ls.opened.encoding)


def asked(ls: Server, params: Any) -> tuple[Document | None, int]:
    """The text that a request is about, and the offset of its place."""
    uri = params.text_document.uri
    return ls.opened.document(uri), ls.lines(uri).offset(convert.place(params.position))


def texts_of(specs: Iterable[tuple[Parsed, ...]]) -> Mapping[str, Source]:
    """The texts of all files of some specs."""
    return {file.source.name: file.source for files in specs for file in files}


def serve() -> None:
    """Serve one editor on standard input and output until it ends. What else is printed goes to standard error."""
    server.garbage.begin()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server.start_io(stdout=answers)
