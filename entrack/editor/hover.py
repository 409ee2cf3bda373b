"""Hover: what stands at a place of a spec, as Markdown - a name, what it is and what is known of it; a word, what it
means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from entrack.budget import Spent, within
from entrack.check.resolved import Model
from entrack.diagnostics import errors
from entrack.diagnostics.escape import clip, visible
from entrack.editor.document import Document
from entrack.editor.lenses import Priced
from entrack.editor.names import GROUP, ITEM, POSITION, VARIABLE, Symbol, at, names_of
from entrack.editor.placed import placed
from entrack.editor.words import meaning
from entrack.errors import EntrackError
from entrack.frozen import frozen
from entrack.highlight.pieces import Kind
from entrack.prompts.tokenise import Prompt
from entrack.sites import PER_HEAD
from entrack.source import Span
from entrack.spec import Spec
from entrack.syntax import ast

FIRST = 3
"""Prompts that a position is shown in."""
AROUND = 40
"""Characters before and after it."""
WIDEST, MOST_HEADS = 300, 40
NO_PIECE = (Kind.BLANK, 0, "")


@frozen
class Hover:
    span: Span
    text: str


def hover(document: Document, offset: int, prices: Mapping[str, Priced]) -> Hover | None:
    """What is known of what stands at an offset. `prices` are what measures cost, as far as that is known."""
    found = at(names_of(document), document.source.name, offset)
    if found:
        symbols = dict.fromkeys(one.symbol for one in found)
        parts = (part for symbol in symbols for part in _of(document, symbol, prices))
        return Hover(found[0].span, "\n\n".join(parts))
    kind, start, word = next(
        (each for each in placed(document.source.text) if each[1] <= offset < each[1] + len(each[2])), NO_PIECE
    )
    said = meaning(word, called=kind is Kind.CALLED)
    return Hover(Span(document.source.name, start, start + len(word)), said) if said else None


def _of(document: Document, symbol: Symbol, prices: Mapping[str, Priced]) -> Iterator[str]:
    if symbol.kind == POSITION:
        yield f"position `{symbol.name}`"
        yield from _tokens(document, symbol.name)
        return
    declared = next(one for one in (*_declarations(document, symbol), None))
    if declared is not None:
        yield f"```entrack\n{clip(declared, WIDEST)}\n```"
    if symbol.kind == ITEM:
        yield from _item(document, symbol.name, prices)
    elif symbol.kind == GROUP:
        yield from _group(document, symbol)
    elif symbol.kind == VARIABLE:
        yield f"variable of the task `{symbol.within}`"


def _declarations(document: Document, symbol: Symbol) -> Iterator[str]:
    """The line that declares a name."""
    for one in names_of(document):
        if one.symbol == symbol and one.declares:
            source = document.files[one.span.file].source
            yield visible(source.line(source.place(one.span.start)[0]).strip())


def _item(document: Document, name: str, prices: Mapping[str, Priced]) -> Iterator[str]:
    resolved = document.checked.resolved
    items = (item for file in document.files.values() for item in file.program.items)
    match next(item for item in items if getattr(item, "name", "") == name):
        case ast.Model() if name in resolved.models:
            yield _model(resolved.models[name])
        case ast.Param() if name in resolved.params:
            yield f"= {resolved.params[name]:g}"
        case ast.Group(group=group):
            yield _heads(document, name, group)
        case ast.Circuit(groups=groups):
            yield "\n".join(f"- `{group.name}`: {_heads(document, name, group)}" for group in groups)
        case ast.Task() | ast.Alternate() | ast.Desideratum():
            yield from _prompts(document, name)
        case ast.Measure():
            cells = next((len(one.cells) for one in resolved.measures if one.name == name), None)
            yield from () if cells is None else [f"{cells:,} cell{'s' * (cells != 1)}"]
        case _:
            pass
    if name in prices:
        yield str(prices[name])


def _model(model: Model) -> str:
    facts = model.facts
    if facts is None:
        return "not on this machine: `entrack run` downloads it where the network allows"
    return (
        f"{facts.family}: {facts.layers} layers x {facts.heads} heads, {facts.d_model} numbers in the residual stream, "
        f"{facts.vocabulary:,} tokens"
    )


def _group(document: Document, symbol: Symbol) -> Iterator[str]:
    for file in document.files.values():
        for item in file.program.items:
            match item:
                case ast.Circuit(name=symbol.within, groups=groups):
                    yield from (_heads(document, symbol.within, group) for group in groups if group.name == symbol.name)
                case ast.Discover(name=symbol.within):
                    yield from _found(document, symbol)
                case _:
                    pass


def _heads(document: Document, circuit: str, group: ast.GroupItem) -> str:
    """How many heads or other sites a written group has, and which."""
    if not isinstance(group.heads, ast.SiteList):
        return _of_a_file(document, circuit, group)
    heads = all(site.kind == ast.HEAD for site in group.heads.sites)
    return _counted(tuple(map(_site, group.heads.sites)), group, heads=heads)


def _of_a_file(document: Document, circuit: str, group: ast.GroupItem) -> str:
    found = document.checked.resolved.circuits.get(circuit)
    known = found.by_name[group.name].heads if found is not None and group.name in found.by_name else None
    if not isinstance(known, tuple):
        return f"heads of a file, at `{group.position.text}`"
    return "of a file: " + _counted(tuple(map(str, known)), group, heads=all(site.part in PER_HEAD for site in known))


def _counted(sites: tuple[str, ...], group: ast.GroupItem, *, heads: bool) -> str:
    many, rest = len(sites), " ..." * (len(sites) > MOST_HEADS)
    what = f"{'head' if heads else 'site'}{'s' * (many != 1)}"
    return f"{many} {what} at `{group.position.text}`: {' '.join(sites[:MOST_HEADS])}{rest}"


def _site(site: ast.SiteLiteral) -> str:
    kind = [] if site.kind == ast.HEAD else [site.kind]
    return ".".join([*kind, *map(str, site.numbers), *([site.part] if site.part else [])])


def _found(document: Document, symbol: Symbol) -> Iterator[str]:
    """What a discovery's group keeps, and of how many."""
    resolved = document.checked.resolved
    for discovery in resolved.discoveries:
        model = resolved.models.get(discovery.model)
        of = f" of {model.facts.layers * model.facts.heads}" if model is not None and model.facts is not None else ""
        for hop in discovery.hops:
            if (discovery.name, hop.name) == (symbol.within, symbol.name):
                yield f"keeps at most {hop.keep}{of} at `{hop.position}`, when `{discovery.name}` has run"


def _tokens(document: Document, position: str) -> Iterator[str]:
    """Which token a position is in the first prompts of each task that has it."""
    for name, task in document.checked.resolved.tasks.items():
        if position in task.positions:
            for text in _drawn(document, name, position):
                yield f"- {text}"


def _prompts(document: Document, name: str) -> Iterator[str]:
    for text in _drawn(document, name, ""):
        yield f"- {text}"


def _drawn(document: Document, name: str, position: str) -> Iterator[str]:
    """The first prompts of a task or an alternate, a position's tokens in bold; none of a spec with errors, nor where
    no tokenizer is here, nor of prompts that take more work than `check` may do."""
    if errors(document.problems):
        return
    try:
        with within():
            realised, _ = Spec(document.source, document.checked).prompts(name, FIRST)
            for pair in realised.pairs:
                prompt = pair.original if pair.alternate is None else pair.alternate
                one = (prompt.positions[position],) if position in prompt.positions else ()
                yield _marked(prompt, prompt.spans.get(position) or one)
    except (EntrackError, Spent):
        return


def _marked(prompt: Prompt, marked: tuple[int, ...]) -> str:
    """A prompt's text, with the tokens that are marked in bold, and what is far from them left out."""
    many = f"{len(prompt.token_ids)} tokens"
    places = _places(prompt)
    if not marked or not places:
        return f"{_text(clip(prompt.text, WIDEST))} ({many})"
    start, end = places[min(marked)][0], places[max(marked)][1]
    inside = prompt.text[start:end].strip() or "␣"
    start = end - len(prompt.text[start:end].lstrip())
    before, after = prompt.text[max(0, start - AROUND) : start], prompt.text[end : end + AROUND]
    which = f"token {min(marked)}" + f" to {max(marked)}" * (len(marked) > 1)
    return (
        f"{'...' * (start > AROUND)}{_text(visible(before))}**{_text(clip(inside, WIDEST))}**{_text(visible(after))}"
        f"{'...' * (end + AROUND < len(prompt.text))} ({which} of {many})"
    )


def _places(prompt: Prompt) -> list[tuple[int, int]]:
    """Where each token stands in the text."""
    found, end = list[tuple[int, int]](), 0
    for piece in prompt.pieces:
        start = max(end, prompt.text.find(piece, end))
        end = start + len(piece)
        found.append((start, end))
    return found


def _text(word: str) -> str:
    """A text, without what Markdown would read as a sign."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|" else letter for letter in word)
