"""The language server: what `entrack/editor` says of a text, in the protocol that editors speak (LSP), by pygls.

A thin adapter: `of_texts.py` and `of_places.py` have the requests, `texts.py` what the editor tells of its texts,
`convert.py` the protocol's values, `opened.py` the open texts, `server.py` what is shown of them.
"""
