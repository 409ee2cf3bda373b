"""The server's state: the texts that are open, what was shown of them, and what is found out in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

from lsprotocol import types
from pygls.exceptions import JsonRpcException, PyglsError
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

from entrack.diagnostics import Diagnostic
from entrack.editor.document import Document
from entrack.editor.lenses import Priced, Unwanted, priced
from entrack.editor.parsed import Parsed
from entrack.editor.positions import Lines
from entrack.editor.workspace import Workspace
from entrack.language_server import convert
from entrack.language_server.background import Background
from entrack.language_server.garbage import Garbage
from entrack.language_server.opened import AllOpened
from entrack.version import __version__

log = logging.getLogger(__name__)
SOON, LATER = 0.01, 0.4
"""Seconds from a change to its diagnostics, in which further changes are waited for, and to what is drawn and
planned."""
ByFile: TypeAlias = dict[str, list[types.Diagnostic]]
MOST = 200
"""Problems of a text that are shown, as `check` shows."""
REQUEST_FAILED = -32803
"""Of a request that is refused, with the reason."""


class Protocol(LanguageServerProtocol):
    """pygls keeps texts by Python's lines, which a form feed ends too, and sets columns right in place: open texts are
    kept here alone."""

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None


class Server(LanguageServer):
    """`opened` are the open texts, `workspace_specs` the specs of its folders; `shown` the problems that each open text
    has in each file, and `latest` the analysis that they are of; `prices` what its items cost, and `priced` of which
    version and analysis that was asked."""

    def __init__(self) -> None:
        super().__init__("entrack", __version__, protocol_cls=Protocol)
        self.opened = AllOpened()
        self.workspace_specs = Workspace()
        self.background = Background()
        self.garbage = Garbage()
        self.prices: dict[str, Mapping[str, Priced]] = {}
        self.priced: dict[str, tuple[int, Document]] = {}
        self.latest: dict[str, Document] = {}
        self.shown: dict[str, ByFile] = {}
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
        asked, of = self.priced.get(uri, (None, document))
        if asked != version or not of.is_of_files_of(document):
            self.priced[uri] = version, document
            loop, wanted = asyncio.get_running_loop(), partial(self._is_priced, uri, version, document)
            loop.call_later(LATER, self.background.do, wanted, partial(self._price, loop, uri, document, wanted))

    def _is_priced(self, uri: str, version: int, document: Document) -> bool:
        """Whether what this analysis costs is still asked for."""
        _, of = self.priced.get(uri, (version, document))
        return self.is_at(uri, version) and of is document

    def _price(self, loop: asyncio.AbstractEventLoop, uri: str, document: Document, wanted: Callable[[], bool]) -> None:
        with suppress(Unwanted):
            prices = priced(document, wanted=wanted)
            if prices:
                loop.call_soon_threadsafe(self._keep_prices, uri, prices, wanted)

    def _keep_prices(self, uri: str, prices: Mapping[str, Priced], wanted: Callable[[], bool]) -> None:
        if not wanted():
            return
        self.prices[uri] = prices
        lens = getattr(self.client_capabilities.workspace, "code_lens", None)
        if lens is not None and lens.refresh_support:
            self.workspace_code_lens_refresh(None)

    def forget_prices(self, uri: str) -> None:
        """Of a text that is not open any more."""
        self.prices.pop(uri, None)
        self.priced.pop(uri, None)

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
        self.latest.pop(uri, None)
        try:
            document = self.opened.document(uri)
        except Exception:
            log.exception("%s cannot be analysed", uri)
            self._publish(uri, {uri: [convert.MISTAKE]})
            return
        if document is None:
            self._publish(uri, {})
            return
        self.latest[uri] = document
        self._publish(uri, self._converted(uri, document, document.problems))
        version = self.opened.by_uri[uri].version
        loop = asyncio.get_running_loop()
        loop.call_later(LATER, self._draw, loop, uri, document, version)

    def _draw(self, loop: asyncio.AbstractEventLoop, uri: str, document: Document, version: int) -> None:
        def work() -> None:
            drawn = document.drawn_problems()
            if drawn:
                loop.call_soon_threadsafe(self._add, uri, document, version, drawn)

        self.background.do(partial(self._is_shown, uri, document, version), work)

    def _add(self, uri: str, document: Document, version: int, drawn: tuple[Diagnostic, ...]) -> None:
        if self._is_shown(uri, document, version):
            self._publish(uri, self._converted(uri, document, (*document.problems, *drawn)))

    def _is_shown(self, uri: str, document: Document, version: int) -> bool:
        """Whether this analysis is what was shown last of a text that has not changed since; of another file that it
        reads, there may be another."""
        return self.is_at(uri, version) and self.latest.get(uri) is document

    def is_at(self, uri: str, version: int) -> bool:
        """Whether a text is open and has not changed since."""
        opened = self.opened.by_uri.get(uri)
        return opened is not None and opened.version == version

    def _converted(self, uri: str, document: Document, problems: tuple[Diagnostic, ...]) -> ByFile:
        found: ByFile = {uri: []}
        own, texts = document.source.name, document.checked.texts
        for problem in problems[:MOST]:
            file = uri if problem.span.file in (own, "") else convert.uri_of(problem.span.file)
            found.setdefault(file, []).append(convert.diagnostic(problem, texts, self.opened.encoding))
        return found

    def _publish(self, uri: str, found: ByFile) -> None:
        """Send the problems of a text for each file that they are in, with those that other texts have there; of one
        that is not open any more there is nothing."""
        before = self.shown.pop(uri, {})
        if found:
            self.shown[uri] = found
        for file in {**before, **found}:
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(file, self._in(file)))

    def _in(self, file: str) -> list[types.Diagnostic]:
        every = (problem for by_file in self.shown.values() for problem in by_file.get(file, []))
        return list({(one.code, repr(one.range), one.message): one for one in every}.values())


def is_refusal(error: object) -> bool:
    """Whether a request was answered with a reason why it cannot be done: nothing has failed."""
    return isinstance(error, JsonRpcException) and error.code == REQUEST_FAILED
