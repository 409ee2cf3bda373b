"""The language server: what `entrack/editor` says of a text, in the protocol that editors speak (LSP), by pygls.

A thin adapter: `server.py` has the requests, `convert.py` the protocol's values, `workspace.py` the open texts.
"""
