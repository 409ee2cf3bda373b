"""What an editor tells of its texts and files: opened, changed, closed, saved."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types
from pygls.uris import to_fs_path

from entrack.language_server import convert
from entrack.language_server.answering import answers
from entrack.language_server.server import Server


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
    ls.forget_prices(uri)
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
