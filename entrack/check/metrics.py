"""Rules for metrics: which there are, in which units, and what is read site by site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from attrs import evolve

from entrack.check.metric_words import AVERAGED, name_of, not_whole, second_there, whole_words, words_fit
from entrack.check.resolved import Alternate, Metric, Population, Recovery, Task
from entrack.check.scope import Scope, article
from entrack.check.spans import one_token
from entrack.diagnostics.suggest import did_you_mean
from entrack.syntax import ast

MOST_TOP = 1000

UNITS = {
    "accuracy": "fraction of prompts",
    "probability": "probability",
    "log probability": "nats",
    "probability difference": "probability",
    "log probability difference": "nats",
    "logit": "logits",
    "logit difference": "logits",
    "rank": "rank",
    "entropy": "nats",
    "KL from clean": "nats",
    "loss": "nats",
    "attention": "fraction of attention",
}
DIFFERENCES = ("probability difference", "log probability difference", "logit difference")
"""Metrics of two words."""
NOT_ESTIMATED = ("rank", "entropy", "KL from clean")
"""Metrics whose change no gradient of logits gives that a screen takes: ranks jump, and the others are sums over the
vocabulary, of which KL from clean has no slope at the clean run."""


def metric(scope: Scope, node: ast.Metric, task: Task, *, desideratum: bool) -> Metric | None:
    """A metric with the variables it is of: by default the answer, or the target of a desideratum."""
    known = [binding.name for binding in task.bindings] + (["target"] if desideratum else [])
    if not words_fit(scope, node, task, known):
        return None
    of = tuple(name_of(word).text for word in node.of) or ("target" if desideratum else "answer",)
    top = 1 if node.top is None else scope.whole(node.top, "`in top`", 1, MOST_TOP)
    if top is None:
        return None
    if not node.of and node.kind in DIFFERENCES:
        if not second_there(scope, node, task, known):
            return None
        of = (*of, "wrong")
    unit = "ratio" if node.relative else UNITS[node.kind]
    return Metric(str(node), node.kind, node.relative, of, unit, top, not node.of, whole=whole_words(node))


def reading(scope: Scope, node: ast.Reading, task: Task, *, desideratum: bool) -> Metric | None:
    """What is read at named positions, which the task must have."""
    match node:
        case ast.Loss(at):
            return _read(scope, node, "loss", (at,), task)
        case ast.Attention(reader, read):
            return _read(scope, node, "attention", (reader, *read), task)
        case ast.LogitLens(metric=inner, at=at):
            if whole_words(inner):
                not_whole(scope, inner, "a logit lens is of the next token, and a whole word of several")
                return None
            lens, place = metric(scope, inner, task, desideratum=desideratum), _read(scope, node, "lens", (at,), task)
            return lens and place and evolve(lens, name=place.name, at=place.at, lens=True)
        case ast.DirectLogitAttribution():
            return _attributed(scope, node, metric(scope, node.metric, task, desideratum=desideratum), task)
        case _:
            assert_never(node)


def _attributed(scope: Scope, node: ast.DirectLogitAttribution, logits: Metric | None, task: Task) -> Metric | None:
    """A direct logit attribution, of what is a sum over what is added to the residual stream."""
    place = _read(scope, node, "direct", (node.at,), task)
    if logits is None or place is None:
        return None
    if logits.kind not in AVERAGED:
        scope.report(
            "E667",
            f"{article(logits.kind)} is no sum over what heads and MLPs write",
            node.metric.span,
            "only logits are, once the scale of the final norm is held",
            "attribute `logit of answer` or `logit difference of answer and wrong`",
        )
        return None
    return evolve(logits, name=place.name, at=place.at, direct=True)


STANDS = {
    "attention": "the reader of an attention stands",
    "lens": "a logit lens stands",
    "direct": "a direct logit attribution stands",
}
"""What is read at one token; a loss and what an attention reads may be of spans."""


def _read(scope: Scope, node: ast.Reading, kind: str, names: tuple[ast.Name, ...], task: Task) -> Metric | None:
    for name in names:
        if name.text not in task.positions:
            scope.report(
                "E618",
                f"the task `{task.name}` has no position `{name.text}`",
                name.span,
                "",
                did_you_mean(name.text, task.positions),
            )
            return None
    if kind in STANDS and not one_token(scope, task, names[0].text, names[0].span, STANDS[kind]):
        return None
    return Metric(
        str(node), kind, relative=False, of=(), unit=UNITS.get(kind, ""), at=tuple(name.text for name in names)
    )


ATTRIBUTED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "heads": (("layer", "layers"), ("head", "heads")),
    "layers": (("layer", "layers"), ("part", "")),
    "parts": (("part", ""),),
}
"""The axes of a direct logit attribution, by what it is `by`."""


def axes_read(quantity: ast.Quantity) -> tuple[tuple[str, str], ...]:
    """The axes of what is read site by site, and what each goes through, if that is counted."""
    match quantity:
        case ast.Attention():
            return ("layer", "layers"), ("head", "heads")
        case ast.LogitLens():
            return (("layer", "layers"),)
        case ast.DirectLogitAttribution(by=by):
            return ATTRIBUTED[by]
        case ast.Metric() | ast.Recovery() | ast.Loss():
            return ()
        case _:
            assert_never(quantity)


RECOVERED = "fraction recovered"


def recovery(
    scope: Scope, node: ast.Recovery, alternates: Mapping[str, Alternate], populations: Sequence[Population]
) -> Metric | None:
    """A recovery on prompts that have an original and an alternate, or are given one by `against`."""
    inner: Metric | None = None
    for one in populations:
        inner = metric(scope, node.metric, one.task, desideratum=is_desideratum(one))
        if inner is None:
            return None
    if node.metric.kind == "KL from clean":
        scope.report(
            "E645",
            "KL from clean has no corrupted run to be recovered from",
            node.metric.span,
            "each run is held against its own clean one",
            "take the recovery of `logit difference of answer and wrong` or of `log probability of answer`",
        )
        return None
    against = None if node.against is None else _against(scope, node.against, alternates, populations)
    if node.against is None:
        alone = next((one for one in populations if one.alternate is None), None)
        if alone is not None:
            scope.report(
                "E645",
                "a recovery lies between a clean and a corrupted run",
                node.span,
                f"`{alone.label}` has no alternate to run as the corrupted one",
                f"write `recovery of {node.metric} against ALTERNATE`, or measure on an alternate or a desideratum",
            )
            return None
    elif against is None:
        return None
    assert inner is not None  # there are prompts
    return evolve(inner, name=str(node), unit=RECOVERED, recovery=Recovery(against))


def _against(
    scope: Scope, name: ast.Name, alternates: Mapping[str, Alternate], populations: Sequence[Population]
) -> Alternate | None:
    """The alternate whose runs are the corrupted ones, of the task of all prompts that have none themselves."""
    if scope.find(name.text, name.span, "alternate", "desideratum") is None or name.text not in alternates:
        return None
    found, alone = alternates[name.text], [one for one in populations if one.alternate is None]
    other = next((one for one in alone if one.task.name != found.task.name), None)
    if not alone:
        label = f"`{populations[0].label}` says itself what the original and the alternate are"
        scope.report("E645", "these prompts have an alternate", name.span, label, "leave out `against`")
    elif other is not None:
        scope.report(
            "E645",
            f"`{name.text}` is no alternate of `{other.task.name}`",
            name.span,
            f"it is one of `{found.task.name}`",
            did_you_mean(name.text, [key for key, known in alternates.items() if known.task.name == other.task.name])
            or f"declare an alternate of `{other.task.name}`",
        )
    return found if alone and other is None else None


def is_desideratum(population: Population) -> bool:
    """Whether its prompts have a target."""
    return population.alternate is not None and population.alternate.target is not None
