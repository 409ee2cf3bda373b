"""The server as an editor meets it: a process that is spoken to over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
import pytest_lsp
from canary import SERVED
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from entrack.cli.app import lsp
from entrack.cli.heartbeat import BEAT
from entrack.editor.positions import Lines, Place
from entrack.language_server import convert
from entrack.language_server.answering import careful
from entrack.language_server.background import Background
from entrack.language_server.opened import AllOpened
from entrack.language_server.server import Server

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


@pytest_lsp.fixture(config=ClientServerConfig(server_command=[sys.executable, *SERVED["pygls.client"]]), scope="module")  # type: ignore[untyped-decorator]  # it has no types
async def client(lsp_client: LanguageClient) -> AsyncIterator[None]:
    lsp_client.feature(types.WORKSPACE_CODE_LENS_REFRESH)(lambda params: None)
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


@pytest.mark.asyncio(loop_scope="module")
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


@pytest.mark.asyncio(loop_scope="module")
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


@pytest.mark.asyncio(loop_scope="module")
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


@pytest.mark.asyncio(loop_scope="module")
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


def test_a_text_that_no_file_can_be_does_not_trouble_the_others(tmp_path: Path) -> None:
    all_opened, uri = AllOpened(), (tmp_path / "spec.et").as_uri()
    for each in (uri, "file:///a%00b.et"):
        all_opened.put(each, TEXT)
    for each in (*all_opened.by_uri, uri):
        document = all_opened.document(each)
        assert document is not None
        assert not document.problems
    assert all_opened.that_read("file:///not%00open.et") == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_text_that_is_not_open_has_no_answer(client: LanguageClient, tmp_path: Path) -> None:
    document = types.TextDocumentIdentifier((tmp_path / "no.et").as_uri())
    assert await client.text_document_document_symbol_async(types.DocumentSymbolParams(document)) is None


@pytest.mark.asyncio(loop_scope="module")
async def test_a_name_is_followed_and_renamed_across_files(client: LanguageClient, tmp_path: Path) -> None:
    head, rest = TEXT.split("measure", 1)
    (tmp_path / "part.et").write_text(head, encoding="utf-8")
    text = f'entrack 1\ninclude "part.et"\nmeasure{rest}'
    uri = opened(client, tmp_path / "spec.et", text)
    part = (tmp_path / "part.et").as_uri()
    document, where = types.TextDocumentIdentifier(uri), at(text, "movers) on").start
    found = await client.text_document_definition_async(types.DefinitionParams(document, where))
    assert isinstance(found, list | tuple)
    assert list(found) == [types.Location(part, at(head, "movers"))]
    hover = await client.text_document_hover_async(types.HoverParams(document, where))
    assert hover is not None
    assert "2 heads at `last`: 2.1 3.0" in str(hover.contents)
    context = types.ReferenceContext(include_declaration=True)
    used = await client.text_document_references_async(types.ReferenceParams(context, document, where))
    assert sorted(one.uri for one in used or ()) == [part, uri]
    assert await client.text_document_prepare_rename_async(types.PrepareRenameParams(document, where)) is not None
    edit = await client.text_document_rename_async(types.RenameParams(document, where, "writers"))
    assert edit is not None
    assert {file: [one.new_text for one in edits] for file, edits in (edit.changes or {}).items()} == {
        part: ["writers"],
        uri: ["writers"],
    }
    with pytest.raises(JsonRpcException, match="`mean` is a word of the language"):
        await client.text_document_rename_async(types.RenameParams(document, where, "mean"))
    lit = await client.text_document_document_highlight_async(types.DocumentHighlightParams(document, where))
    assert len(lit or ()) == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_a_lens_comes_when_it_is_known(client: LanguageClient, tmp_path: Path) -> None:
    uri = opened(client, tmp_path / "spec.et", TEXT)
    asked = types.CodeLensParams(types.TextDocumentIdentifier(uri))
    assert (await client.text_document_code_lens_async(asked) or ()) == ()
    for _ in range(40):
        await asyncio.sleep(0.25)
        found = await client.text_document_code_lens_async(asked)
        if found:
            break
    assert [lens.command.title.partition(",")[0] for lens in found or () if lens.command] == ["1 pass"]
    assert [lens.range.start for lens in found or ()] == [at(TEXT, "m = accuracy").start]


def test_a_request_that_fails_is_logged_and_has_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    def broken(ls: Server, params: object) -> str:
        raise ValueError(f"{params}")

    assert careful("a request", broken)(Server(), 3) is None
    assert "a request failed" in caplog.text


def test_what_fails_in_the_background_ends_nothing() -> None:
    background, done = Background(), Event()
    background.do(lambda: True, lambda: 1 / 0)  # type: ignore[arg-type]  # it fails
    background.do(lambda: False, lambda: pytest.fail("it is not wanted"))
    background.do(lambda: True, done.set)
    assert done.wait(10)


def test_without_its_packages_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("entrack.language_server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(BEAT, "silent", lambda: None)
    monkeypatch.setitem(sys.modules, "pygls", None)
    monkeypatch.setitem(sys.modules, "pygls.exceptions", None)
    with pytest.raises(SystemExit) as ended:
        lsp()
    assert ended.value.code == 2
    assert "the language server needs pygls: pip install 'entrack[lsp]'" in capfd.readouterr().err
