"""How a request comes to its function: what fails is logged, and answered with nothing; a refusal is told.

Requests are answered one after the other, in the thread that reads them; what is slow is done in the background, and
pushed when it is there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from entrack.editor.document import Document
from entrack.editor.positions import Lines
from entrack.frozen import frozen
from entrack.language_server import convert
from entrack.language_server.server import Server, is_refusal
from entrack.source import Span

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


@frozen
class Text:
    """The text that a request is about, as it is now."""

    uri: str
    document: Document
    lines: Lines

    def offset(self, position: types.Position) -> int:
        return self.lines.offset(convert.place(position))

    def range(self, span: Span) -> types.Range:
        return convert.range_of(self.lines, span)


Handler = Callable[[Server, Any], Answer]
OfText = Callable[[Server, Text, Any], Answer]


def is_news(record: logging.LogRecord) -> bool:
    """pygls logs every answer that is an error."""
    return record.exc_info is None or not is_refusal(record.exc_info[1])


logging.getLogger("pygls.protocol.json_rpc").addFilter(is_news)
server = Server()


def answers(feature: str, options: Any = None) -> Callable[[Handler[Answer | None]], Handler[Answer | None]]:
    """A request and the function that answers it."""

    def registered(handler: Handler[Answer | None]) -> Handler[Answer | None]:
        answering = careful(feature, handler)
        server.feature(feature, options)(answering)
        return answering

    return registered


def of_text(feature: str, options: Any = None) -> Callable[[OfText[Answer]], Handler[Answer | None]]:
    """The same of one that is about an open text; of another it is not asked."""

    def registered(handler: OfText[Answer]) -> Handler[Answer | None]:
        def answering(ls: Server, params: Any) -> Answer | None:
            ls.garbage.put_off()
            uri = params.text_document.uri
            document = ls.opened.document(uri)
            return None if document is None else handler(ls, Text(uri, document, ls.lines(uri)), params)

        return answers(feature, options)(answering)

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
