"""A diagnostic as text for a terminal: the message, the exact place with its line, the fix, and where to read more.

Text of a spec is shown, never obeyed: control characters and bidirectional marks appear as visible pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from entrack.diagnostics.diagnostic import Diagnostic
from entrack.diagnostics.escape import clip, in_place, visible
from entrack.source import Source, Span

if TYPE_CHECKING:
    from rich.text import Text

WIDEST = 160
LONGEST = 1000
MOST = 200
"""Diagnostics that are shown at once; more are counted. Nobody reads them, and the first are often the cause of
others."""


def render(problem: Diagnostic, sources: Mapping[str, Source]) -> Text:
    """One diagnostic as rich text, without a line end."""
    from rich.text import Text

    colour = "bold red" if problem.is_error else "bold yellow"
    out = Text()
    out.append(f"{problem.severity}[{problem.code}]", colour).append(f": {clip(problem.message, LONGEST)}", "bold")
    _place(out, problem.span, problem.label, sources, colour, "^")
    for label in problem.related:
        _place(out, label.span, label.text, sources, "blue", "-")
    if problem.help:
        out.append("\n   = ", "blue").append("help", "bold").append(f": {clip(problem.help, LONGEST)}")
    out.append("\n   = ", "blue").append("more", "bold").append(f": entrack explain {problem.code}")
    return out


def render_all(problems: Iterable[Diagnostic], sources: Mapping[str, Source]) -> Text:
    """The first `MOST` of them, in the order of the text, with an empty line between; where a limit of work ended it
    all, that too."""
    from rich.text import Text

    ordered = sorted(problems, key=lambda p: (p.span.file, p.span.start, p.code))
    shown = [*ordered[:MOST], *(problem for problem in ordered[MOST:] if problem.code == "E707")]
    more = len(ordered) - len(shown)
    return Text("\n\n").join(
        [
            *(render(problem, sources) for problem in shown),
            *([Text(f"and {more:,} more problems, which are not shown")] if more else []),
        ]
    )


def in_colours(text: Text) -> str:
    """A text with the escape sequences of a terminal, as notebooks show them too; NO_COLOR is obeyed."""
    from io import StringIO

    from rich.console import Console

    out = StringIO()
    console = Console(file=out, force_terminal=True, force_jupyter=False, color_system="standard", highlight=False)
    console.print(text, end="", soft_wrap=True)
    return out.getvalue()


def _place(out: Text, span: Span, label: str, sources: Mapping[str, Source], colour: str, mark: str) -> None:
    source = sources.get(span.file)
    if source is None:
        if span.file:
            out.append("\n  --> ", "blue").append(visible(span.file))
        return
    number, column = source.place(span.start)
    line = source.line(number)
    width = max(1, min(span.end, source.line_starts[number - 1] + len(line)) - span.start)
    shown, column, width = _window(line, column, width)
    gutter = " " * len(str(number))
    out.append(f"\n{gutter} --> ", "blue").append(f"{visible(span.file)}:{number}:{source.place(span.start)[1]}")
    out.append(f"\n{gutter} |\n{number} | ", "blue").append(in_place(shown))
    out.append(f"\n{gutter} | ", "blue").append(" " * (column - 1)).append(mark * width, colour)
    if label:
        out.append(f" {clip(label, LONGEST)}", colour)


def _window(line: str, column: int, width: int) -> tuple[str, int, int]:
    """The part of a very long line round the place that is pointed at."""
    if len(line) <= WIDEST:
        return line, column, width
    start = max(0, column - 1 - 40)
    return line[start : start + WIDEST], column - start, min(width, WIDEST - (column - 1 - start))
