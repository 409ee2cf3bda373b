"""The sites that may stand in a place, within the layers and heads of the spec's models."""

from __future__ import annotations

import re
from collections.abc import Iterator

from entrack.editor.completion_trial import MOST_TRIED, Trial
from entrack.sites import RECEIVING, STREAM, Part

PARTS = (Part.MLP, Part.ATTENTION, Part.RESIDUAL, Part.NEURON)
BEGUN = re.compile(
    r"(?P<part>[a-z]+)\.(?:(?P<layer>\d+)(?P<more>\.)?)?|(?P<head>\d+)\.(?:(?P<index>\d+)(?P<read>\.)?)?"
)


def sites(trial: Trial, typed: str, *, heads: bool) -> Iterator[tuple[str, str]]:
    """Sites that begin with what was typed, each with the bounds that it lies in. Where nothing was typed, the first
    and the last of each part."""
    found = dict(_begun(trial, typed, heads=heads)) if "." in typed else dict(_bounds(trial, heads=heads))
    fitting = [site for site in found if site.startswith(typed) or ("." not in typed and typed in site)]
    for site, _ in trial.that_check((site, trial.word) for site in fitting[:MOST_TRIED]):
        yield site, found[site]


def _shapes(trial: Trial) -> list[tuple[int, int]]:
    """Layers and heads of the models, the largest last."""
    models = trial.rest.meaning.scope.models.values()
    return sorted({(model.facts.layers, model.facts.heads) for model in models if model.facts is not None})


def _bounds(trial: Trial, *, heads: bool) -> Iterator[tuple[str, str]]:
    for layers, many in _shapes(trial):
        if heads:
            detail = f"heads 0.0 to {layers - 1}.{many - 1}"
            yield from ((site, detail) for site in ("0.0", f"{layers - 1}.{many - 1}"))
        for part in PARTS:
            more = ".0" if part is Part.NEURON else ""
            ends = [f"{part.value}.{layer}{more}" for layer in (0, layers - 1)]
            yield from ((site, f"{ends[0]} to {ends[1]}") for site in ends)


def _begun(trial: Trial, typed: str, *, heads: bool) -> Iterator[tuple[str, str]]:
    found = BEGUN.match(typed)
    if found is None:
        return
    part, layer, head, index = found.group("part", "layer", "head", "index")
    for layers, many in _shapes(trial):
        if part == Part.RESIDUAL.value and found.group("more"):
            yield from ((f"{part}.{layer}.{each.value}", "") for each in STREAM if each is not Part.RESIDUAL)
        elif part:
            more = ".0" if part == Part.NEURON.value else ""
            yield from ((f"{part}.{each}{more}", f"{part}.0 to {part}.{layers - 1}") for each in range(layers))
        elif found.group("read"):
            yield from ((f"{head}.{index}.{each.value}", "") for each in RECEIVING)
        elif heads:
            yield from ((f"{head}.{each}", f"heads {head}.0 to {head}.{many - 1}") for each in range(many))
