"""Rules for vectors: sums of means, and of numbers from files, in the residual stream of a model; and where one may be
added or projected out."""

from __future__ import annotations

from attrs import evolve

from entrack import budget
from entrack.check.changes import AN_ACT, Changes
from entrack.check.heads import facts_of, perhaps_a_name
from entrack.check.populations import population
from entrack.check.resolved import FromFile, Group, HeadsOf, MeanOf, Population, Vector, VectorTerm
from entrack.check.shapes import same_shape
from entrack.check.targets import is_open, target_of
from entrack.check.tensors import vector_of
from entrack.check.unreadable import Unreadable
from entrack.diagnostics import Label
from entrack.diagnostics.suggest import Suggestion, did_you_mean
from entrack.numbers import Numbers
from entrack.sites import RECEIVING, STREAM, Part
from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.unparse import written
from entrack.tree import parts

WIDE = (*STREAM, Part.ATTENTION, Part.MLP)
"""Parts as wide as the residual stream."""
Weighted = tuple[tuple[float, Vector], ...]


def check_vectors(changes: Changes, items: list[ast.Item]) -> dict[str, Vector]:
    """Every vector that makes sense."""
    return {
        vector.name: vector for _, vector in changes.scope.sound(items, ast.Vector, lambda item: _vector(changes, item))
    }


def _vector(changes: Changes, item: ast.Vector) -> Vector | None:
    if changes.scope.find(item.model.text, item.model.span, "model") is None:
        return None
    facts = facts_of(changes.scope, item.model)
    inner = evolve(changes, shapes=() if facts is None else (facts,))
    terms = [_term(inner, item, term) for term in item.terms]
    if any(term is None for term in terms):
        return None
    return Vector(item.name, item.model.text, tuple(term for term in terms if term is not None), item.name_span)


def _term(changes: Changes, item: ast.Vector, term: ast.Term) -> VectorTerm | None:
    scope = changes.scope
    found = _of_a_file(changes, item, term.of) if isinstance(term.of, ast.Call) else _mean(changes, item, term.of)
    factor = 1.0 if term.factor is None else scope.number(term.factor)
    if term.times != "*" and term.factor is not None:
        scope.report("E662", "a vector is multiplied by a number", term.factor.span, "", "write `*` after the number")
        return None
    if found is None or factor is None:
        return None
    return evolve(found, factor=-factor if term.sign == "-" else factor)


def _of_a_file(changes: Changes, item: ast.Vector, call: ast.Call) -> FromFile | None:
    scope = changes.scope
    match call:
        case ast.Call("file", (ast.String(written) as path, *rest)) if perhaps_a_name(rest):
            try:
                numbers = vector_of(scope.files, written, rest[0].value if rest else None, path.span)
            except Unreadable as trouble:
                scope.add(trouble.problem)
                return None
            return FromFile(1.0, numbers, item.model.text) if _as_wide(changes, item, numbers, call) else None
    help = 'write `mean residual.14 at last over 100 P`, or `file("truth.safetensors")`'
    suggested = Suggestion.of(help, call.name, ("file",))
    scope.report("E662", "a vector is a mean over prompts, or read from a file", call.span, "", suggested)
    return None


def _as_wide(changes: Changes, item: ast.Vector, numbers: Numbers, call: ast.Call) -> bool:
    """Whether a file has as many numbers as the residual stream is wide, as far as the model is known."""
    many, model = len(numbers.values), item.model.text
    other = next((facts.d_model for facts in changes.shapes if facts.d_model != many), None)
    if other is None:
        return True
    label = f"the residual stream of `{model}` is {other:,} wide"
    help = "name the model that the vector was made for, or save one of this width"
    changes.scope.report("E217", f"this vector has {many:,} numbers", call.span, label, help)
    return False


def _mean(changes: Changes, item: ast.Vector, mean: ast.Set) -> MeanOf | None:
    scope, source = changes.scope, mean.source
    assert isinstance(source, ast.sources.Mean)  # by the grammar
    target = target_of(changes, mean.target, "mean")
    over = population(scope, changes.alternates, source.over, changes.seed, "mean")
    if target is None or over is None:
        return None
    if not isinstance(target, HeadsOf):
        help = "write, for example, `residual.14 at last`"
        scope.report("E662", "a vector is of named sites", mean.target.span, "", help)
        return None
    if over.count is None:
        help = f"write, for example, `over 100 {written(source.over.of)}`"
        scope.report("E662", "a mean in a vector says over how many prompts", source.over.span, "", help)
        return None
    if not all(_writes(changes, item, group, target, mean.target.span) for group in target.circuit.groups):
        return None
    if not all(_stands(changes, item, group, over) for group in target.circuit.groups):
        return None
    return MeanOf(1.0, target, over, item.model.text)


def _writes(changes: Changes, item: ast.Vector, group: Group, target: HeadsOf, span: Span) -> bool:
    """Whether what stands at a group's sites is, or is added to, the residual stream."""
    kinds = _parts(group, target)
    read = next((part for part in kinds if part in RECEIVING), None)
    if read is not None:
        changes.scope.report(
            "E662", f"a {read.value} is not written to the residual stream", span, "", "name the head itself"
        )
        return False
    normed = any(facts.layout.norms_what_is_added for facts in changes.shapes)
    if normed and not kinds <= set(STREAM):
        changes.scope.report(
            "E515",
            f"in `{item.model.text}` no head, neuron, attention or MLP writes a vector of its own",
            span,
            "a norm stands after the attention and after the MLP: what is added depends on all of it",
            "name `residual` of a layer",
        )
        return False
    return True


def _stands(changes: Changes, item: ast.Vector, group: Group, over: Population) -> bool:
    scope = changes.scope
    if not same_shape(
        scope, scope.models.get(item.model.text), scope.models.get(group.model), item.span, f"`{group.name}`"
    ):
        return False
    if not isinstance(group.position, str) or group.position in over.task.positions:
        return True
    scope.report(
        "E618",
        f"the task `{over.task.name}` has no position `{group.position}`",
        group.at or over.span,
        "",
        did_you_mean(group.position, over.task.positions),
        (Label(over.span, "the mean is over these"),),
    )
    return False


def _parts(group: Group, target: HeadsOf) -> set[Part]:
    if isinstance(group.heads, tuple) and target.component is Part.OUTPUT:
        return {site.part for site in group.heads}
    return {target.component}


# --- used ----------------------------------------------------------------------------------------------------------


def terms_of(changes: Changes, node: ast.Expression) -> tuple[float, tuple[VectorTerm, ...]] | None:
    """What an expression such as `2 * v` stands for: a number, times a sum of terms."""
    if is_open(changes, node):
        return None
    weighted = _weighted(changes, node)
    if weighted is None:
        return None
    budget.spend(budget.EXPANDED, sum(AN_ACT * len(vector.terms) for _, vector in weighted))
    if len(weighted) == 1:
        return weighted[0][0], weighted[0][1].terms
    return 1.0, tuple(evolve(term, factor=factor * term.factor) for factor, vector in weighted for term in vector.terms)


def is_wide(changes: Changes, target: HeadsOf, node: ast.Target, word: str) -> bool:
    """Whether a vector fits to what an act is about."""
    narrow = next((group for group in target.circuit.groups if not _parts(group, target) <= set(WIDE)), None)
    if narrow is None:
        return True
    changes.scope.report(
        "E663",
        f"a vector is as wide as the residual stream, and `{narrow.name}` is not",
        node.span,
        f"what a head or a neuron gives has another width, so nothing can be {word}",
        "name `residual`, `attention` or `mlp` of a layer",
    )
    return False


def _weighted(changes: Changes, node: ast.Expression) -> Weighted | None:
    """Vectors with what each is multiplied by."""
    match node:
        case ast.Negative(sign, operand):
            return _times(-1.0 if sign == "-" else 1.0, _weighted(changes, operand))
        case ast.Sum(first, rest):
            each = [_weighted(changes, first)]
            each += [_times(-1.0 if sign == "-" else 1.0, _weighted(changes, operand)) for sign, operand in rest]
            known = [one for one in each if one is not None]
            return tuple(pair for one in known for pair in one) if len(known) == len(each) else None
        case ast.Product(first, rest):
            return _product(changes, node, (("*", first), *rest))
        case ast.Reference(name, ()) if name not in changes.scope.params:
            found = changes.scope.find(name, node.span, "vector")
            return ((1.0, changes.vectors[name]),) if found is not None and name in changes.vectors else None
    _no_vector(changes, node)
    return None


def _product(changes: Changes, node: ast.Product, operands: tuple[tuple[str, ast.Expression], ...]) -> Weighted | None:
    vectors = [(sign, operand) for sign, operand in operands if _names_a_vector(changes, operand)]
    if len(vectors) != 1 or vectors[0][0] != "*":
        _no_vector(changes, node)
        return None
    factor = 1.0
    for sign, operand in operands:
        number = 1.0 if operand is vectors[0][1] else changes.scope.number(operand)
        if number is None or (sign == "/" and number == 0):
            return None
        factor = factor / number if sign == "/" else factor * number
    return _times(factor, _weighted(changes, vectors[0][1]))


def _times(factor: float, weighted: Weighted | None) -> Weighted | None:
    return None if weighted is None else tuple((factor * one, vector) for one, vector in weighted)


def _names_a_vector(changes: Changes, node: object) -> bool:
    """Whether a name stands in an expression that is no number's."""
    if isinstance(node, ast.Reference):
        return node.name not in changes.scope.params
    inside = node if isinstance(node, tuple) else parts(node, ("span", "name_span"))
    return any(_names_a_vector(changes, part) for part in inside)


def _no_vector(changes: Changes, node: ast.Expression) -> None:
    known = next(iter(changes.vectors), "")
    declared = "declare `vector v in MODEL = mean residual.14 at last over 100 P - mean residual.14 at last over 100 Q`"
    help = f"write, for example, `{known}` or `2 * {known}`" if known else declared
    changes.scope.report("E662", f"`{written(node)}` is no vector", node.span, "", help)
