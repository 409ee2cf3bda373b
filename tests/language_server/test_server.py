"""The server as an editor meets it: a process that is spoken to over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_lsp
from canary import SERVED
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from entrack.editor.positions import Lines, Place
from entrack.language_server import convert

pytestmark = pytest.mark.asyncio
TEXT = """entrack 1

# \N{GRINNING FACE} e\N{COMBINING ACUTE ACCENT}
model base = builtin("boxes-base")
task t {
  word = one of ["a", "b"]  prompt = "\N{GRINNING FACE} {word}" answer = word
  at last = end of prompt
}
group movers in base at last = 2.1 3.0
measure m = accuracy(base with zero movers) on 3 t
"""


@pytest_lsp.fixture(config=ClientServerConfig(server_command=[sys.executable, *SERVED["pygls.client"]]))  # type: ignore[untyped-decorator]  # it has no types
async def client(lsp_client: LanguageClient) -> AsyncIterator[None]:
    await lsp_client.initialize_session(
        types.InitializeParams(capabilities=client_capabilities("visual-studio-code"), workspace_folders=[])
    )
    yield
    await lsp_client.shutdown_session()


def opened(client: LanguageClient, path: Path, text: str) -> str:
    uri = path.as_uri()
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "entrack", 0, text)))
    return uri


def changed(client: LanguageClient, uri: str, version: int, *changes: types.TextDocumentContentChangeEvent) -> None:
    document = types.VersionedTextDocumentIdentifier(version, uri)
    client.text_document_did_change(types.DidChangeTextDocumentParams(document, list(changes)))


def at(text: str, words: str) -> types.Range:
    """Where words stand in a text, in UTF-16."""
    lines, start = Lines(text), text.index(words)
    return types.Range(*(convert.position(lines.place(place)) for place in (start, start + len(words))))


async def problems(client: LanguageClient, uri: str, codes: list[str]) -> list[types.Diagnostic]:
    """The problems of a text, once they are these."""
    for _ in range(20):
        found = list(client.diagnostics.get(uri, ()))
        if uri in client.diagnostics and [problem.code for problem in found] == codes:
            return found
        with suppress(TimeoutError):
            await asyncio.wait_for(client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS), 1)
    raise AssertionError(client.diagnostics[uri])


async def test_an_error_is_shown_mended_and_gone(client: LanguageClient, tmp_path: Path) -> None:
    uri = opened(client, tmp_path / "spec.et", TEXT.replace("zero movers", "zero mover"))
    (problem,) = await problems(client, uri, ["E201"])
    assert problem.range.start == at(TEXT.replace("zero movers", "zero mover"), "mover) on").start
    assert problem.code_description is not None
    assert problem.code_description.href.endswith("E201.md")
    asked = types.CodeActionParams(types.TextDocumentIdentifier(uri), problem.range, types.CodeActionContext([problem]))
    (action,) = await client.text_document_code_action_async(asked) or ()
    assert isinstance(action, types.CodeAction)
    (edit,) = (action.edit.changes or {})[uri] if action.edit else ()
    changed(client, uri, 1, types.TextDocumentContentChangePartial(edit.range, edit.new_text))
    assert await problems(client, uri, []) == []


async def test_columns_are_those_of_utf_16(client: LanguageClient, tmp_path: Path) -> None:
    wrong = TEXT.replace("answer = word", "answer = wort")
    uri = opened(client, tmp_path / "spec.et", wrong)
    (problem,) = await problems(client, uri, ["E406"])
    line = next(line for line in wrong.splitlines() if "wort" in line)
    column = len(line[: line.index("wort")].encode("utf-16-le")) // 2
    assert problem.range.start == types.Position(5, column)
    assert column == line.index("wort") + 1
    letters = types.Range(types.Position(5, column + 3), types.Position(5, column + 4))
    changed(client, uri, 1, types.TextDocumentContentChangePartial(letters, "d"))
    assert await problems(client, uri, []) == []
    hidden = types.Range(types.Position(2, 0), types.Position(2, 0))
    changed(client, uri, 2, types.TextDocumentContentChangePartial(hidden, "# \x0c \u2028\n"))
    (problem,) = await problems(client, uri, ["E105"])
    assert problem.range.start == types.Position(2, 2)
    gone = types.Range(types.Position(2, 0), types.Position(3, 0))
    changed(client, uri, 3, types.TextDocumentContentChangePartial(gone, ""))
    assert await problems(client, uri, []) == []


async def test_an_open_file_is_read_by_those_that_include_it(client: LanguageClient, tmp_path: Path) -> None:
    head, rest = TEXT.split("measure", 1)
    (tmp_path / "part.et").write_text("entrack 1\n", encoding="utf-8")
    spec = opened(client, tmp_path / "spec.et", f'entrack 1\ninclude "part.et"\nmeasure{rest}')
    await problems(client, spec, ["E201", "E201", "E201"])
    part = opened(client, tmp_path / "part.et", head)
    await problems(client, spec, [])
    changed(client, part, 1, types.TextDocumentContentChangeWholeDocument(head.replace("group movers", "group move")))
    await problems(client, spec, ["E201"])
    client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(part)))
    await problems(client, spec, ["E201", "E201", "E201"])


async def test_what_an_editor_asks_of_a_text(client: LanguageClient, tmp_path: Path) -> None:
    (tmp_path / "part.et").write_text("entrack 1\n", encoding="utf-8")
    text = TEXT.replace("\n\n", '\n\ninclude "part.et"\n', 1).replace("group movers in", "group   movers in")
    uri = opened(client, tmp_path / "spec.et", text)
    document = types.TextDocumentIdentifier(uri)
    symbols = await client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
    assert [symbol.name for symbol in symbols or ()] == ["part.et", "base", "t", "movers", "m"]
    folds = await client.text_document_folding_range_async(types.FoldingRangeParams(document))
    assert [(fold.start_line, fold.end_line) for fold in folds or ()] == [(5, 8)]
    links = await client.text_document_document_link_async(types.DocumentLinkParams(document))
    assert [link.target for link in links or ()] == [(tmp_path / "part.et").as_uri()]
    options = types.FormattingOptions(2, insert_spaces=True)
    edits = await client.text_document_formatting_async(types.DocumentFormattingParams(document, options))
    assert any("group movers" in edit.new_text for edit in edits or ())
    tokens = await client.text_document_semantic_tokens_full_async(types.SemanticTokensParams(document))
    assert tokens is not None
    assert len(tokens.data) % 5 == 0
    assert Lines(text).place(0) == Place(0, 0)


async def test_a_text_that_is_not_open_has_no_answer(client: LanguageClient, tmp_path: Path) -> None:
    document = types.TextDocumentIdentifier((tmp_path / "no.et").as_uri())
    assert await client.text_document_document_symbol_async(types.DocumentSymbolParams(document)) is None
