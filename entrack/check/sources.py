"""The sources of acts: where the values come from that an act sets, and the rules for each. What is written comes in, a
source without names that still have to be looked up comes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from attrs import evolve

from entrack.check.changes import Changes
from entrack.check.populations import POPULATION_KINDS, population
from entrack.check.resolved import Alternate, HeadsOf, Model, Population, SetAct
from entrack.check.scope import ITEM_TYPES, Scope, name_span
from entrack.check.shapes import same_shape
from entrack.diagnostics import Label
from entrack.diagnostics.suggest import did_you_mean
from entrack.frozen import frozen
from entrack.models.locate import ModelMissing, vocabulary_of
from entrack.syntax import ast
from entrack.syntax.unparse import written


@frozen
class Zero:
    """Zero."""


@frozen
class MeanOver:
    """The mean at the same token over a population."""

    over: Population


@frozen
class SampleOf:
    """What each prompt's partner in a population has: the one with the same number, modulo how many there are."""

    of: Population


@frozen
class FromAlternate:
    """What the heads have on the prompt's own alternate, or on a named `alternate` of it."""

    alternate: Alternate | None


@frozen
class FromOriginal:
    """What stands there on the prompt that each alternate was drawn from."""


@frozen
class FromClean:
    """What stands there without an intervention, on the same prompt."""


@frozen
class FromModel:
    """What the heads have in another model, on the same tokens."""

    model: str


Source = Zero | MeanOver | SampleOf | FromAlternate | FromOriginal | FromClean | FromModel
RUNS: Mapping[str, FromAlternate | FromOriginal | FromClean] = {
    "alternate": FromAlternate(None),
    "original": FromOriginal(),
    "clean": FromClean(),
}
"""Sources that have a word."""
DRAWN_FOR = ("mean", "sample")
"""The purposes for which sources draw prompts; masks are trained and chosen on others."""
PARTNER = "partner"
"""The purpose for which a sample is drawn where each prompt has a partner that no other has."""


def source_of(changes: Changes, node: ast.Source) -> Source | None:
    """What a source stands for. None where it is wrong, and where it is a parameter that has no argument yet."""
    match node:
        case ast.sources.Zero():
            return Zero()
        case ast.sources.Mean(over):
            prompts = _prompts(changes, over, "mean")
            return None if prompts is None else MeanOver(prompts)
        case ast.sources.Sample(of):
            prompts = _prompts(changes, of, "sample")
            return None if prompts is None else SampleOf(prompts)
        case ast.sources.NamedRun(named):
            return _named(changes, named)
        case _:
            assert_never(node)


def source_fits(
    scope: Scope, act: SetAct, item: ast.Measure, populations: Iterable[Population], model: Model | None
) -> bool:
    """Whether an act's source has values for a model on these prompts."""
    match act.source:
        case Zero() | MeanOver() | FromClean():
            return True
        case FromOriginal():
            return all(_has_original(scope, act, item, population) for population in populations)
        case SampleOf(of):
            return _has_positions(scope, act, of)
        case FromAlternate(alternate):
            return all(_has_alternate(scope, act, alternate, item, population) for population in populations)
        case FromModel(donor):
            return _reads_the_same(scope, act, scope.models.get(donor), model)
        case _:
            assert_never(act.source)


def drawn_by(source: Source, measured: Population, draws: int) -> Iterator[tuple[Population, int]]:
    """The prompts that a source draws beside those that are measured, in all draws."""
    match source:
        case MeanOver(over):
            yield over, over.count or measured.count or 0
        case SampleOf(of):
            yield of, (of.count or measured.count or 0) * draws
        case FromAlternate(alternate):
            if alternate is not None:
                yield evolve(measured, task=alternate.task, alternate=alternate), (measured.count or 0) * draws
        case Zero() | FromModel() | FromClean() | FromOriginal():
            return
        case _:
            assert_never(source)


def fresh(source: Source, measured: int) -> Source:
    """What a source is on fresh prompts: the same as on those `measured`, but that each takes a partner of its own."""
    match source:
        case MeanOver(over):
            return MeanOver(over if over.count is not None else evolve(over, count=measured))
        case SampleOf(of):
            return SampleOf(evolve(of, purpose=PARTNER, count=None))
        case Zero() | FromModel() | FromClean() | FromOriginal() | FromAlternate():
            return source
        case _:
            assert_never(source)


# --- prompts -----------------------------------------------------------------------------------------------------


def _prompts(changes: Changes, node: ast.Prompts, purpose: str) -> Population | None:
    of = _given(changes, node.of)
    if of is None:
        return None
    return population(
        changes.scope, changes.alternates, ast.Prompts(node.count, of, span=node.span), changes.seed, purpose
    )


def _given(changes: Changes, node: ast.Expression) -> ast.Expression | None:
    """The argument that a parameter stands for, anything else itself; None for one that has no argument yet."""
    if not isinstance(node, ast.Reference) or node.rest or node.name not in changes.given:
        return node
    argument = changes.given[node.name]
    return None if isinstance(argument, ast.Reference) and argument.name == "?" else argument


def _has_positions(scope: Scope, act: SetAct, of: Population) -> bool:
    for group in act.groups:
        if not isinstance(group.position, str) or group.position in of.task.positions:
            continue
        scope.report(
            "E618",
            f"the task `{of.task.name}` has no position `{group.position}`",
            of.span,
            f"`{group.name}` takes its values there",
            did_you_mean(group.position, of.task.positions) or "take a sample of a task that names it",
            (Label(group.span, "the group"),),
        )
        return False
    return True


# --- alternates and models ---------------------------------------------------------------------------------------


def _named(changes: Changes, node: ast.Expression) -> FromAlternate | FromOriginal | FromClean | FromModel | None:
    given = _given(changes, node)
    if given is None:
        return None
    if given is not node:
        return _named(evolve(changes, given={}), given)
    name = node.plain if isinstance(node, ast.Reference) else None
    if name is not None and name in RUNS:
        return None if name == "clean" and _two_meanings(changes, node) else RUNS[name]
    if name is not None and isinstance(changes.scope.names.get(name), ast.Model):
        return FromModel(name)
    if name is not None and name in changes.alternates:
        return FromAlternate(changes.alternates[name])
    if name in changes.scope.broken:
        return None  # what is wrong with it has been said
    changes.scope.report(
        "E609",
        "heads are patched from `alternate`, from a named alternate, from a model, or from a sample of prompts",
        node.span,
        "",
        _instead(changes, node, name or ""),
    )
    return None


def _two_meanings(changes: Changes, node: ast.Expression) -> bool:
    """Whether `clean` could also be the name of something that values are taken from."""
    declared = changes.scope.names.get("clean")
    if not isinstance(declared, ast.Alternate | ast.Desideratum | ast.Model):
        return False
    changes.scope.report(
        "E203",
        "`clean` is a word of the language here, and a name of this spec",
        node.span,
        "the same prompt without an intervention, or what is called so",
        "choose another name",
        (Label(name_span(declared), "declared here"),),
    )
    return True


def _instead(changes: Changes, node: ast.Expression, name: str) -> str:
    """What to write for something that is no source: zero and means have words of their own."""
    called = node.name if isinstance(node, ast.Call) else name
    if isinstance(changes.scope.names.get(called), tuple(ITEM_TYPES[kind] for kind in POPULATION_KINDS)):
        return f"write `from sample of {written(node)}`"
    if name == "zero":
        return "write `zero H`"
    return did_you_mean(name, [*RUNS, *changes.alternates, *changes.scope.called("model")])


def _has_alternate(
    scope: Scope, act: SetAct, alternate: Alternate | None, item: ast.Measure, population: Population
) -> bool:
    if population.alternate is not None and population.alternate.target is None:
        scope.report(
            "E619",
            f"`{population.label}` are alternates themselves",
            item.prompts.span,
            "each would be patched from itself",
            "measure on the task or on a desideratum, or patch from `original`",
            (Label(act.span, "patched here"),),
        )
        return False
    if alternate is None and population.alternate is None:
        scope.report(
            "E619",
            f"`{population.label}` has no alternate to patch from",
            item.prompts.span,
            "",
            "measure on a desideratum, or patch from a named alternate",
            (Label(act.span, "patched here"),),
        )
        return False
    if alternate is not None and alternate.task.name != population.task.name:
        scope.report(
            "E619",
            f"`{alternate.name}` is no alternate of `{population.task.name}`",
            act.span,
            "",
            f"it belongs to `{alternate.task.name}`; `from sample of {alternate.name}` takes other prompts",
        )
        return False
    return True


def _has_original(scope: Scope, act: SetAct, item: ast.Measure, population: Population) -> bool:
    if population.alternate is not None and population.alternate.target is None:
        return True
    scope.report(
        "E619",
        f"`{population.label}` are originals themselves",
        item.prompts.span,
        "each would be patched from itself",
        "measure on an alternate, or write `from clean`, for what another act would change",
        (Label(act.span, "patched here"),),
    )
    return False


def _reads_the_same(scope: Scope, act: SetAct, donor: Model | None, model: Model | None) -> bool:
    """Whether another model's heads can stand in: the same shape, and a tokenizer that gives the same tokens."""
    what = f"`{act.target.circuit.label}`" if isinstance(act.target, HeadsOf) else "what stands elsewhere"
    if not same_shape(scope, model, donor, act.span, what, whole=any(group.whole for group in act.groups)):
        return False
    if model is None or donor is None or model.source is None or donor.source is None:
        return True
    try:
        if vocabulary_of(model.source) == vocabulary_of(donor.source):
            return True
    except ModelMissing:
        return True  # a tokenizer is not here: a run says so
    scope.report(
        "E632",
        f"`{donor.name}` and `{model.name}` do not read the same tokens",
        act.span,
        "their tokenizers differ",
        "patch between a model and its fine-tune",
    )
    return False
