"""Specs, plans, results, prompts and problems as HTML and as text, of a size that a notebook keeps."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from entrack.cli.plans import HEAD, plan_notes, plan_rows
from entrack.compile import Planned
from entrack.diagnostics import Diagnostic
from entrack.diagnostics.escape import visible
from entrack.diagnostics.render import render_all
from entrack.diagnostics.render_html import render_html
from entrack.execution.forecast import forecast
from entrack.execution.survey import Survey
from entrack.frozen import frozen
from entrack.highlight.shown import html_of as coloured
from entrack.highlight.shown import mixed_style_sheet
from entrack.plan.plan import Plan
from entrack.prompts.tokenise import Prompt, TokenisedPrompts
from entrack.report.bounded import Shown, bounded, bounded_grids
from entrack.report.grid import Grid
from entrack.report.html import item_html
from entrack.report.html.markup import said
from entrack.report.html.notebook import boxed, tables_html
from entrack.report.tables import provenance, shown
from entrack.results import Results
from entrack.source import Source
from entrack.spec import Spec

LINES, FILES, WIDE = 400, 20, 100
"""Of a text that is shown; of a spec; columns of a text's tables."""


@frozen
class PlanInStore:
    """A plan, and how it stands against a store."""

    plan: Plan
    survey: Survey


@frozen
class Problems:
    """What is wrong with a spec, as something to be shown; or that nothing is."""

    problems: tuple[Diagnostic, ...]
    sources: Mapping[str, Source]


def html_of(item: object) -> str:
    """A display by itself, for any background."""
    match item:
        case Spec():
            return boxed(_spec_html(item), mixed_style_sheet())
        case Problems():
            return boxed(_problems_html(item))
        case Planned() | Plan() | PlanInStore() | TokenisedPrompts():
            return boxed(tables_html([_grid(item)]))
        case _:
            return item_html(_result(item))


def text_of(item: object) -> str:
    """The same as plain text."""
    match item:
        case Spec():
            return repr(item)
        case Problems():
            return render_all(item.problems, item.sources).plain or NO_ERRORS
        case Planned() | Plan() | PlanInStore() | TokenisedPrompts():
            return plain(shown([_grid(item)]))
        case Results():
            title = [Text(visible(item.title)), Text()] if item.title else []
            return plain(Group(*title, shown(bounded_grids(item, WIDE)), provenance(item.provenance)))
        case _:
            return plain(shown(bounded_grids(_result(item), WIDE)))


NO_ERRORS = "no errors"


def plain(view: RenderableType) -> str:
    """A view without colours."""
    out = StringIO()
    Console(file=out, width=WIDE, color_system=None, force_jupyter=False, highlight=False).print(view)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().split("\n"))


def _result(item: Any) -> Shown:
    found: Shown = item
    return found


def _problems_html(item: Problems) -> str:
    return render_html(item.problems, item.sources) if item.problems else f'<p class="soft">{NO_ERRORS}</p>'


# a spec


def _spec_html(spec: Spec) -> str:
    """The text of a spec, folded, and of each file that it includes."""
    own = spec.source
    others = [source for source in spec.sources.values() if source.name != own.name]
    more = f"<p>... and {len(others) - FILES:,} more files</p>" if len(others) > FILES else ""
    warnings = render_html(spec.problems, spec.sources) if spec.problems else ""
    files = "".join(_folded(source, "included") for source in others[:FILES])
    return f"{_folded(own, spec.summary)}{files}{more}{warnings}"


def _folded(source: Source, words: str) -> str:
    lines = source.text.strip("\n").split("\n")
    more = f"\n... and {len(lines) - LINES:,} more lines" if len(lines) > LINES else ""
    body = f"<pre><code>{coloured(chr(10).join(lines[:LINES]))}{more}</code></pre>"
    return f"<details><summary><b>{said(source.name)}</b>: {said(words)}</summary>{body}</details>"


# plans and prompts


def _grid(item: Planned | Plan | PlanInStore | TokenisedPrompts) -> Grid:
    match item:
        case Planned():
            return _plan_grid(item.plan, None)
        case Plan():
            return _plan_grid(item, None)
        case PlanInStore():
            return _plan_grid(item.plan, item.survey)
        case TokenisedPrompts():
            return bounded(_prompts_grid(item))


def _plan_grid(plan: Plan, survey: Survey | None) -> Grid:
    """The kinds of steps of a plan, with what they cost; without a survey nothing is said of a store."""
    told = forecast(plan, survey or Survey((), (), plan.steps, (), ()))
    *rows, altogether = plan_rows(told)
    columns = [place for place, name in enumerate(HEAD) if survey or name != "stored"]
    cut = [tuple(row[place] for place in columns) for row in (HEAD, *rows, altogether)]
    grid = bounded(Grid("", cut[0], tuple(cut[1:-1]), plan_notes(told), frozenset(range(1, len(columns)))))
    return Grid("plan", grid.head, (*grid.rows, cut[-1]), grid.caption, grid.right)


def _prompts_grid(item: TokenisedPrompts) -> Grid:
    """Each prompt, and below it its alternate, with its words and the tokens of its positions."""
    rows = [
        (named, *_prompt_row(prompt))
        for place, pair in enumerate(item.pairs, start=1)
        for named, prompt in ((f"{place}", pair.original), ("alternate", pair.alternate))
        if prompt is not None
    ]
    caption = f"{len(item.pairs):,} prompts; positions as tokens, from 0"
    return Grid("prompts", ("", "prompt", "words", "tokens", "positions"), tuple(rows), caption, frozenset({3}))


def _prompt_row(prompt: Prompt) -> tuple[str, ...]:
    """Its text, words, how many tokens it has, and which of them are its positions."""
    words = "\n".join(f"{name}: {visible(word)}" for name, word in prompt.words.items())
    spans = {name: f"{tokens[0]}..{tokens[-1]}" for name, tokens in prompt.spans.items() if tokens}
    places = "\n".join(f"{visible(name)}: {at}" for name, at in (*prompt.positions.items(), *spans.items()))
    return visible(prompt.text), words, f"{prompt.length}", places
