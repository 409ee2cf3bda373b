"""What the server shows is of the texts as they are: what was found out meanwhile of others is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from lsprotocol import types

from entrack.diagnostics import Diagnostic
from entrack.editor.document import Document
from entrack.editor.lenses import Priced
from entrack.language_server import convert, opened, server
from entrack.language_server.background import Background
from entrack.language_server.server import Server
from entrack.language_server.texts import did_close
from entrack.source import Span

PART = "entrack 1\nparam many = 3\n"
TEXT = 'entrack 1\ninclude "part.et"\nmodel m = builtin("boxes-base")\n'


class ByHand(Background):
    """What is to be done is done when a test says so."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []

    def do(self, wanted: Callable[[], bool], work: Callable[[], None]) -> None:
        if wanted():
            self.work.append(work)


class Shown(Server):
    """A server that keeps what it would send."""

    def __init__(self) -> None:
        super().__init__()
        self.published: dict[str, list[str]] = {}
        self.background = self.by_hand = ByHand()

    def text_document_publish_diagnostics(self, params: types.PublishDiagnosticsParams) -> None:
        self.published[params.uri] = [problem.message.split("\n")[0] for problem in params.diagnostics]


async def until_sent() -> None:
    await asyncio.sleep(0.03)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LATER", 0.0)
    monkeypatch.setattr(server, "SOON", 0.0)


def serving(test: Callable[[Shown], Awaitable[None]]) -> None:
    async def run() -> None:
        await test(Shown())

    asyncio.run(run())


def test_what_drawn_prompts_tell_is_dropped_once_an_included_text_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned = Diagnostic("W401", "prompts are alike", Span("", 0, 1))
    monkeypatch.setattr(Document, "drawn_problems", lambda self: (warned,))
    uri, part = ((tmp_path / name).as_uri() for name in ("spec.et", "part.et"))

    async def test(ls: Shown) -> None:
        ls.opened.put(part, PART.replace("many", ""))
        ls.opened.put(uri, TEXT)
        ls.show(uri)
        before = ls.published[part]
        await until_sent()
        [draw] = ls.by_hand.work
        ls.opened.put(part, PART)
        ls.changed(part)
        await until_sent()
        now = dict(ls.published)
        assert before and not {*before} & {*now[part]}
        draw()
        await until_sent()
        assert ls.published == now
        ls.by_hand.work[-1]()
        await until_sent()
        assert ls.published == {**now, uri: [*now[uri], "prompts are alike"]}

    serving(test)


def test_what_a_text_costs_is_asked_anew_after_an_included_text_has_changed_or_it_was_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "priced", lambda document, wanted: {"m": Priced(len(document.checked.read), 1)})
    uri, part, other = ((tmp_path / name).as_uri() for name in ("spec.et", "part.et", "other.et"))

    async def asked(ls: Shown) -> int:
        document = ls.opened.document(uri)
        assert document is not None
        ls.price(uri, document)
        await until_sent()
        return len(ls.by_hand.work)

    async def test(ls: Shown) -> None:
        ls.opened.put(part, PART)
        ls.opened.put(uri, TEXT)
        assert [await asked(ls), await asked(ls)] == [1, 1]
        ls.opened.put(other, PART)
        assert await asked(ls) == 1, "that one is none of its files"
        ls.opened.put(part, PART.replace("3", "4"))
        assert await asked(ls) == 2
        ls.by_hand.work[0]()
        await until_sent()
        assert ls.prices == {}, "nobody asks for that any more"
        ls.by_hand.work[1]()
        await until_sent()
        assert [*ls.prices] == [uri]
        did_close(ls, types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
        assert ls.prices == {} == ls.priced
        ls.opened.put(uri, TEXT)
        assert await asked(ls) == 3
        ls.opened.put(uri, f"{TEXT}\n")
        ls.opened.put(uri, TEXT)
        assert await asked(ls) == 4, "what was asked of an earlier version may have been dropped"

    serving(test)


def test_a_text_that_is_opened_again_is_another_version(tmp_path: Path) -> None:
    texts, uri = opened.AllOpened(), (tmp_path / "spec.et").as_uri()
    first = texts.put(uri, TEXT).version
    texts.close(uri)
    assert texts.put(uri, PART).version != first


def test_a_text_whose_analysis_fails_shows_that_and_not_what_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = (tmp_path / "spec.et").as_uri()

    def failing(*given: object) -> Document:
        raise RecursionError

    async def test(ls: Shown) -> None:
        ls.opened.put(uri, "entrack 1\nparam = 3\n")
        ls.show(uri)
        before = ls.published[uri]
        ls.opened.put(uri, PART)
        with monkeypatch.context() as failed:
            failed.setattr(opened, "analysed", failing)
            ls.show(uri)
        assert ls.published[uri] == [convert.MISTAKE.message]
        ls.show(uri)
        assert len(ls.published[uri]) == 1 and before != ls.published[uri] != [convert.MISTAKE.message]

    serving(test)
