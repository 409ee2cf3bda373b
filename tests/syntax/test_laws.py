"""Laws of the formatter, on drawn programs: it says the same again, once is enough, and no comment is lost."""

from __future__ import annotations

import os
import re
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import programs, rewritten

from entrack.source import Source
from entrack.syntax import ast
from entrack.syntax.format import format_program
from entrack.syntax.parse import parse

quickly = settings(
    deadline=None,
    max_examples=int(os.environ.get("ENTRACK_LAWS") or 150),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def read(text: str) -> ast.Program:
    program, problems = parse(Source("drawn.et", text))
    assert not problems, (text, problems)
    return program


def formatted(text: str) -> str:
    return format_program(Source("drawn.et", text), read(text))


@quickly
@given(programs)
def test_what_is_written_is_read_again(program: ast.Program) -> None:
    text = format_program(Source("drawn.et", ""), program)
    assert read(text) == program, text


@quickly
@given(st.data())
def test_layout_and_comments_change_nothing(data: st.DataObject) -> None:
    program = data.draw(programs)
    text, comments = data.draw(rewritten(format_program(Source("drawn.et", ""), program)))
    once = formatted(text)
    assert read(once) == program
    assert comments_of(once) == Counter(comments)
    assert formatted(once) == once


def comments_of(text: str) -> Counter[str]:
    """The comments that `rewritten` has put in, also where several ended up on one line."""
    return Counter(mark for comment in read(text).comments for mark in re.findall(r"#\w+![^ ]*", comment.text))
